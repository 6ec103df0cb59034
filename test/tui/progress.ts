import type { MemoryCourse, ProgressRow, RunProgress } from "../../src/measure/measurement-progress.js";

/** A run through five allocators, made up: the same every time. */

const EVENTS = 600_000;

/** Grows, is cut back in the middle, and ends higher; `over` is the allocator's share on top. */
function course(over: number, share = 1): MemoryCourse {
  return Array.from({ length: Math.round(301 * share) }, (_, at) => {
    const event = (at * EVENTS) / 300;
    const liveBytes = 8e6 * (at < 150 ? at / 150 : 0.4 + (0.4 * (at - 150)) / 150);
    const held = at < 150 ? liveBytes : Math.max(liveBytes, 6e6);
    return { event, liveBytes, bytes: 3e5 + held * (1 + over) };
  });
}

function row(allocator: string, at: number, share: number | undefined): ProgressRow {
  const percentiles = (ns: number) => ({
    ...{ count: 9e5, p50: ns, p90: 1.4 * ns, p99: 3 * ns, p999: 9 * ns, p9999: 60 * ns, max: 900 * ns },
  });
  const done = share === undefined;
  return {
    ...{ allocator, rounds: done ? 3 : 0, verified: true, failed: false, clockNs: 12 },
    ratio:
      done && allocator !== "malloc"
        ? { median: 0.4 + 0.21 * at, low: 0.35 + 0.2 * at, high: 0.44 + 0.23 * at }
        : undefined,
    peakBytes:
      share === undefined || share === 1
        ? Math.max(...course(0.05 + at / 20).map(({ bytes }) => bytes))
        : undefined,
    ...(share === 0 ? {} : { memory: course(0.05 + at / 20, share) }),
    ...(done
      ? {
          latency: {
            alloc: percentiles(11 + 9 * at),
            free: percentiles(9 + 8 * at),
            transaction: percentiles(900),
          },
        }
      : {}),
  };
}

const NAMES = ["rustydb", "malloc", "jemalloc", "mimalloc", "tcmalloc"];

/** In the middle of the timed rounds. */
export function timing(): RunProgress {
  return {
    ...{ trace: "redis-mix.rmt.gz", phase: "timed", allocator: "jemalloc", round: 4, rounds: 10 },
    ...{ fraction: undefined, eventsPerSecond: 12_345_678, remainingNs: 42e9, overall: 0.63, events: EVENTS },
    rows: NAMES.map((name, at) => row(name, at, undefined)),
  };
}

/** In the middle of the memory round of the third. */
export function weighing(): RunProgress {
  return {
    ...timing(),
    ...{ phase: "memory", allocator: "jemalloc", round: 1, rounds: 1, remainingNs: undefined },
    ...{ fraction: 0.6, overall: 0.31 },
    rows: NAMES.map((name, at) => row(name, at, at < 2 ? 1 : at === 2 ? 0.6 : 0)),
  };
}

/** A case of a suite, with some behind it. */
export function benching(done: number): RunProgress {
  const { events: _, ...rest } = timing();
  return {
    ...{ ...rest, trace: `hot-path/case-${done + 1}`, overall: 0.5 },
    suite: { name: "hot-path", case: done + 1, cases: 10, suite: 2, suites: 5 },
    rows: rest.rows.map(({ memory: __, latency: ___, ...each }) => ({ ...each, peakBytes: undefined })),
    finished: Array.from({ length: done }, (_each, at) => ({
      name: `hot-path/case-${at + 1}`,
      ratios: NAMES.map((allocator, column) => ({
        allocator,
        ratio:
          allocator === "malloc" || (at === 1 && column === 3)
            ? undefined
            : { median: 0.4 + 0.1 * column + 0.01 * at, low: 0.3, high: 0.9 },
      })),
    })),
  };
}
