import { createHash } from "node:crypto";
import { Interrupted } from "../errors.js";
import { native, type PipelineFilters, type PipelineResult, type PipelineSink } from "../native.js";
import type { GeneratedOrigin } from "./event.js";
import { toUserError } from "./failure.js";
import { type Pumped, type PumpOptions, pumpSteps } from "./pump.js";

export interface GenerateOptions extends PumpOptions {
  readonly filters?: PipelineFilters;
  readonly signal?: AbortSignal;
  /** Called after each piece of work with the events so far. */
  readonly onEvents?: (events: number) => void;
}

/** A trace that is made while it is read. */
export interface GeneratedTrace {
  /** Of a compiled workload (workload/compile.ts). */
  readonly program: string;
  /** About how many there will be. */
  readonly events: number;
  readonly origin: Omit<GeneratedOrigin, "sha256">;
}

/**
 * Sends the trace that a compiled workload (workload/compile.ts) makes through a pipeline into `sink`; the same program gives the
 * same trace, byte for byte. Throws Interrupted when the signal came.
 */
export async function runGenerated(
  program: string,
  sink: PipelineSink,
  options: GenerateOptions = {},
): Promise<PipelineResult> {
  return (await pumpGenerated(program, sink, options)).result;
}

export async function pumpGenerated(
  program: string,
  sink: PipelineSink,
  { filters, signal, onEvents, ...pumping }: GenerateOptions,
): Promise<Pumped> {
  const { TracePipeline } = native();
  const pipeline = new TracePipeline({
    source: { kind: "workload", program },
    sink,
    ...(filters && { filters }),
  });
  const stop = (): void => pipeline.abort();
  signal?.addEventListener("abort", stop);
  try {
    if (signal?.aborted) throw new Interrupted();
    const onStep = (): void => {
      pumping.onStep?.();
      onEvents?.(pipeline.sourceEvents);
    };
    return await pumpSteps(pipeline, { ...pumping, onStep });
  } catch (error) {
    throw signal?.aborted ? new Interrupted() : toUserError(error, "the generated trace");
  } finally {
    signal?.removeEventListener("abort", stop);
    pipeline.abort();
  }
}

/** What is to be said of the trace once it went through. */
export function originOf({ program, origin }: GeneratedTrace, { satisfied }: Pumped): GeneratedOrigin {
  return { ...origin, sha256: satisfied ? null : createHash("sha256").update(program).digest("hex") };
}
