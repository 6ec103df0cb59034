import type { Allocator } from "../../src/engine/allocators.js";
import type { RoundOutcome, RoundRequest, RoundRunner } from "../../src/engine/replayer.js";
import { Random } from "../../src/statistics/random.js";

export interface MockWorld {
  /** Time of a warm pass of an allocator in a round, in ns; `tick` counts the rounds of all. */
  readonly passNs: (allocator: Allocator, tick: number) => number;
  readonly noise?: number;
  /** Bytes an allocator takes beside what every process takes. */
  readonly overheadBytes?: (allocator: Allocator) => number;
  /** How long a pass takes with its opening and closing, over what is measured of it. */
  readonly wholeOverMeasured?: number;
  /** How long the probe beside a pass takes. */
  readonly probeNs?: (allocator: Allocator, tick: number) => number;
  readonly replayedPeakBytes?: (allocator: Allocator, tick: number) => number;
  /** Throws what a round is to fail with. */
  /** Memory second by second where a round looks at times; beside what every process takes. */
  readonly timedBytes?: (allocator: Allocator, relieved: boolean) => readonly number[];
  readonly before?: (request: RoundRequest, tick: number) => void;
}

export function allocator(name: string, route: Allocator["route"] = "malloc"): Allocator {
  return { name, route, environment: {} };
}

/** Plays rounds of a made-up machine, and keeps what it was asked for. */
export function mockRunner(world: MockWorld): { run: RoundRunner; requests: RoundRequest[] } {
  const requests: RoundRequest[] = [];
  const random = new Random(7);
  const run: RoundRunner = async (request, options = {}): Promise<RoundOutcome> => {
    const tick = requests.length;
    requests.push(request);
    world.before?.(request, tick);
    options.onProgress?.({ frame: "progress", pass: 0, done: 1, total: 2 });
    const ns = (): number =>
      world.passNs(request.allocator, tick) * Math.exp((random.next() - 0.5) * 2 * (world.noise ?? 0));
    const replayedPeakBytes = world.replayedPeakBytes?.(request.allocator, tick) ?? 1000;
    const pass = (cold: boolean) => {
      const wallNs = ns() * (cold ? 3 : 1);
      return {
        frame: "pass" as const,
        cold,
        wallNs,
        cpuNs: wallNs * 0.9,
        wholeNs: wallNs * (world.wholeOverMeasured ?? 1),
        probeNs: world.probeNs?.(request.allocator, tick) ?? 1000,
        replayedPeakBytes,
      };
    };
    const passes = [
      pass(true),
      ...Array.from({ length: request.mode === "timed" ? request.warmPasses : 0 }, () => pass(false)),
    ];
    const overhead =
      request.allocator.route === "none" ? 0 : (world.overheadBytes?.(request.allocator) ?? 100);
    const sample = (event: number, liveBytes: number) => ({
      ...{ frame: "sample" as const, event, liveBytes, hugeBytes: 0, weighs: true },
      bytes: 4096 + (overhead === 0 ? 0 : liveBytes + overhead),
    });
    const relieved = request.relief !== undefined;
    const timed = !request.times ? [] : (world.timedBytes?.(request.allocator, relieved) ?? []);
    const timedSamples = timed.map((bytes, second) => ({
      ...{ frame: "sample" as const, event: 20, liveBytes: bytes, weighs: false },
      bytes: 4096 + (request.allocator.route === "none" ? 0 : bytes),
      ...{ timeNs: (5 + second) * 1e9, sinceNs: (5 + second) * 1e9, allocatedBytes: bytes },
    }));
    const percentiles = { count: 9, p50: 1, p90: 2, p99: 3, p999: 4, p9999: 5, max: 6 };
    const samples =
      request.mode === "memory" ? [sample(0, 0), sample(10, 1000), sample(20, 500), ...timedSamples] : [];
    for (const [index, each] of samples.entries()) options.onSample?.(each, index);
    return {
      hello: {
        ...{ frame: "hello", mallocLibrary: "/lib/libc.so.6", mallocVersion: "2.36", clockNs: 10, pid: 1 },
        route: request.allocator.route,
      },
      passes,
      samples,
      reliefs: relieved
        ? [{ frame: "relief", event: 20, timeNs: 15e9, level: "high", beforeBytes: 9000, afterBytes: 8000 }]
        : [],
      result: {
        ...{ frame: "result", stats: { rounds: 1 } },
        ...(request.mode === "memory" ? { minorFaults: 5, endBytes: 4096 + overhead } : {}),
        ...(relieved ? { reliefName: request.allocator.name === "jemalloc" ? null : "purge" } : {}),
        ...(request.mode === "latency" ? { latencyNs: { alloc: percentiles } } : {}),
      },
    };
  };
  return { run, requests };
}
