import { Interrupted } from "../errors.js";
import { native, type PipelineFilters, type PipelineResult, type PipelineSink } from "../native.js";
import { toUserError } from "./failure.js";
import { type PumpOptions, pumpSteps } from "./pump.js";

export interface GenerateOptions extends PumpOptions {
  readonly filters?: PipelineFilters;
  readonly signal?: AbortSignal;
  /** Called after each piece of work with the events so far. */
  readonly onEvents?: (events: number) => void;
}

/**
 * Sends the trace that a compiled workload (workload/compile.ts) makes through a pipeline into `sink`; the same program gives the
 * same trace, byte for byte. Throws Interrupted when the signal came.
 */
export async function runGenerated(
  program: string,
  sink: PipelineSink,
  { filters, signal, onEvents, ...pumping }: GenerateOptions = {},
): Promise<PipelineResult> {
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
    return (await pumpSteps(pipeline, { ...pumping, onStep })).result;
  } catch (error) {
    throw signal?.aborted ? new Interrupted() : toUserError(error, "the generated trace");
  } finally {
    signal?.removeEventListener("abort", stop);
    pipeline.abort();
  }
}
