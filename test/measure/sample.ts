import { assemble, type MeasuredTrace } from "../../src/measure/assemble.js";
import { readHost } from "../../src/measure/host.js";
import type { ResultFile, TraceResult } from "../../src/measure/measurement.js";
import { measureTrace, type ScheduleOptions } from "../../src/measure/schedule.js";
import { allocator, type MockWorld, mockRunner } from "./mock-runner.js";

function trace(name: string, more: Partial<TraceResult> = {}): TraceResult {
  return {
    ...{
      name,
      sha256: "ab12",
      events: 900,
      impliedFrees: 100,
      measuredEvents: 900,
      measuredImpliedFrees: 100,
      threads: 4,
    },
    ...{
      transactions: 12,
      peakLiveBytes: 1000,
      dropped: 0,
      repaired: 0,
      repairs: [],
      warnings: [],
      crossThreadFrees: 3,
    },
    ...{ scopedBlocks: 20, eligibleBlocks: 10, waits: 5, openingBlocks: 0 },
    ...more,
  };
}

const ROWS = [allocator("rustydb", "rustydb"), allocator("malloc"), allocator("jemalloc")];
// Of 1000 operations: net 3, 6 and 5 ns each, over a loop of 1 ns.
const NS: Readonly<Record<string, number>> = { none: 1000, rustydb: 4000, malloc: 7000, jemalloc: 6000 };
const OVERHEAD: Readonly<Record<string, number>> = { rustydb: 100, malloc: 500, jemalloc: 1000 };

export const steadyWorld: MockWorld = {
  passNs: ({ name }) => NS[name] ?? Number.NaN,
  overheadBytes: ({ name }) => OVERHEAD[name] ?? Number.NaN,
  noise: 0.01,
};

export async function measuredTrace(
  name: string,
  world: MockWorld = steadyWorld,
  options: Partial<ScheduleOptions> = {},
): Promise<MeasuredTrace> {
  const measurement = await measureTrace({
    plan: { trace: name, path: "/plan", measuredEvents: 1000, peakLiveBytes: 1000 },
    allocators: ROWS,
    baseline: ROWS[1] as (typeof ROWS)[number],
    options: {
      ...{
        rounds: 8,
        warmup: 1,
        order: "free",
        touch: "page",
        speed: "max",
        seed: 1,
        maxRounds: 8,
        idleMs: 0,
      },
      ...{ verify: true, latency: true, memory: true, aa: false, untilWidth: null },
      ...options,
    },
    run: mockRunner(world).run,
    view: { show: () => undefined },
  });
  return { trace: trace(name), measurement };
}

/** A whole result file of a made-up machine. */
export function resultFile(traces: readonly MeasuredTrace[], more: Partial<ResultFile> = {}): ResultFile {
  return {
    schemaVersion: 1,
    tool: { name: "rustydb-mem", version: "0.0.0", commit: null },
    date: "2026-01-01T00:00:00.000Z",
    partial: false,
    command: ["replay", "my trace.rmt"],
    host: { ...readHost(), cpuModel: "Test CPU" },
    options: {
      ...{
        allocators: ROWS.map((row) => row.name),
        baseline: "malloc",
        rounds: 8,
        warmup: 1,
        warmPasses: { a: 1 },
        threads: 0,
      },
      ...{
        touch: "page",
        speed: "max",
        order: "free",
        seed: 7,
        verify: true,
        latency: true,
        memory: true,
        aa: false,
      },
      ...{ untilWidth: null, maxRounds: 100, idleMs: 0 },
    },
    traces: traces.map((each) => each.trace),
    ...assemble(traces, { threads: 0, order: "free", seed: 7 }),
    ...more,
  };
}
