import { Interrupted } from "../errors.js";
import { native, type PipelineFilters, type PipelineResult, type PipelineSink } from "../native.js";
import { toUserError } from "./failure.js";
import { type PumpOptions, pumpSteps } from "./pump.js";

/** A made-up OLTP load; the same values give the same trace, byte for byte. */
export interface OltpWorkload {
  readonly events: number;
  readonly seed: number;
  readonly threads?: number;
  /** Target of what outlives transactions. */
  readonly liveBytes?: number;
}

export interface GenerateOptions extends PumpOptions {
  readonly filters?: PipelineFilters;
  readonly signal?: AbortSignal;
}

/** Sends a generated trace through a pipeline into `sink`. Throws Interrupted when the signal came. */
export async function runOltp(
  workload: OltpWorkload,
  sink: PipelineSink,
  { filters, signal, ...pumping }: GenerateOptions = {},
): Promise<PipelineResult> {
  const { TracePipeline } = native();
  const pipeline = new TracePipeline({
    source: { kind: "oltp", ...workload },
    sink,
    ...(filters && { filters }),
  });
  const stop = (): void => pipeline.abort();
  signal?.addEventListener("abort", stop);
  try {
    if (signal?.aborted) throw new Interrupted();
    return (await pumpSteps(pipeline, pumping)).result;
  } catch (error) {
    throw signal?.aborted ? new Interrupted() : toUserError(error, "the generated trace");
  } finally {
    signal?.removeEventListener("abort", stop);
    pipeline.abort();
  }
}
