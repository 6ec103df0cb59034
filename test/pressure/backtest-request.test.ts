import { beforeEach, describe, expect, it, vi } from "vitest";
import type {
  HorizonScore,
  NativeBacktestOptions,
  SeriesColumns,
  SeriesScore,
} from "../../src/native/pressure.js";
import { type BacktestRequest, backtestSeries } from "../../src/pressure/backtest.js";
import { optimisePolicy } from "../../src/pressure/optimise.js";
import { scorecard } from "../../src/pressure/scorecard.js";
import type { Series } from "../../src/pressure/series.js";

const played: { columns: SeriesColumns; options: NativeBacktestOptions }[] = [];

const horizon = (horizonS: number, samples: number, error: number): HorizonScore => ({
  horizonS,
  samples,
  error,
  persistenceError: error,
  covered: samples,
  width: error,
  pinball: error,
  persistencePinball: error,
  hindsightPinball: error,
  movingSamples: 0,
  movingError: 0,
  movingPersistenceError: 0,
  movingCovered: 0,
  blocks: Float64Array.of(error, error, error, error),
});

vi.mock("../../src/native.js", () => ({
  native: () => ({
    backtest: async (columns: SeriesColumns, options: NativeBacktestOptions): Promise<SeriesScore> => {
      played.push({ columns, options });
      const peak = Math.max(...columns.usedBytes);
      const none = { alarms: [], trueAlarms: 0, falseAlarms: 0, caught: false, leadS: null };
      return {
        samples: columns.timeS.length,
        spanS: columns.timeS.at(-1) ?? 0,
        typicalStepS: 60,
        highestBytes: peak,
        gaps: 0,
        changes: 0,
        meanMoveShare: 0,
        horizons: [horizon(30, 10, peak), horizon(60, 10, peak), horizon(120, 10, peak)],
        confidence: [],
        limits: options.limits.map((limitBytes) => ({
          limitBytes,
          outS: null,
          warnable: false,
          benignS: 3600,
          brier: 0,
          brierSamples: 0,
          reliability: [],
          alarms: { policy: none, static80: none, static90: none, static95: none },
        })),
        closedLoop: [],
      };
    },
  }),
}));

/** A sample a minute. */
function series(name: string, used: readonly number[]): Series {
  const unknown = new Float64Array(used.length).fill(Number.NaN);
  return {
    name,
    origin: "made",
    notes: [],
    columns: {
      timeS: Float64Array.from(used, (_, index) => 60 * index),
      usedBytes: Float64Array.from(used),
      totalBytes: unknown,
      swapBytes: unknown,
      psiPercent: unknown,
      allocatedBytes: unknown,
      freedBytes: unknown,
    },
  };
}

const request: BacktestRequest = {
  model: "adaptive",
  beside: [],
  limits: { kind: "sweep" },
  policy: {},
  evictable: [],
  extras: {},
};

const hour = (used: number): number[] => new Array(61).fill(used);

describe("a backtest", () => {
  beforeEach(() => {
    played.length = 0;
  });

  it("sweeps no limits that the series begins at or above", async () => {
    await backtestSeries(series("steady", [880, ...hour(900), 1000]), request);
    expect(played[0]?.options.limits).toEqual([900, 950, 970, 1030, 1100, 1200, 1350, 1500]);
  });

  it("pools a series that uses nothing with others", async () => {
    const idle = await backtestSeries(series("idle", hour(0)), request);
    const busy = await backtestSeries(series("busy", hour(1000)), request);
    const pooled = scorecard([idle, busy]).origins[0]?.models[0]?.horizons ?? [];
    expect(pooled).toHaveLength(3);
    for (const { ratio, width } of pooled) {
      expect(ratio.estimate).toBe(1);
      expect(width).not.toBeNaN();
    }
    expect(scorecard([idle]).origins[0]?.models[0]?.horizons).toEqual([]);
  });

  it("chooses a policy on long series whatever short ones lie between them", async () => {
    const short = [100, 200];
    const all = [series("a", short), series("b", hour(10)), series("c", short), series("d", hour(20))];
    const bytes = { ...request, limits: { kind: "bytes", bytes: 1000 } } as const;
    const found = await optimisePolicy(all, bytes, 0.1);
    expect(found?.training.policy).toBeDefined();
    expect(found?.heldOut.policy).toBeDefined();
  });
});
