import type { PipelineResult, PipelineStep, TracePipeline } from "../native.js";

const CHUNK_BYTES = 1024 * 1024;

export interface PumpOptions {
  /** Takes what the sink writes; the next piece is made when its promise is settled. */
  readonly onOutput?: (bytes: Buffer) => void | Promise<void>;
  /** Called after each piece of work. */
  readonly onStep?: () => void;
}

export interface Pumped {
  readonly result: PipelineResult;
  /** The filters had all they wanted before the source was at its end. */
  readonly satisfied: boolean;
}

/** Pushes `bytes` through a pipeline and finishes it; `beforeFinish` may object once the source is at its end. */
export async function pumpBytes(
  pipeline: TracePipeline,
  bytes: AsyncIterable<Uint8Array>,
  options: PumpOptions,
  beforeFinish: () => void,
): Promise<Pumped> {
  for await (const chunk of readAhead(inChunks(bytes))) {
    const step = await pipeline.push(chunk);
    await handOn(step, options);
    if (step.satisfied) return finish(pipeline, true, options);
  }
  beforeFinish();
  return finish(pipeline, false, options);
}

/** Lets a pipeline with a source of its own work to its end, and finishes it. */
export async function pumpSteps(pipeline: TracePipeline, options: PumpOptions): Promise<Pumped> {
  for (;;) {
    const step = await pipeline.step();
    await handOn(step, options);
    if (step.satisfied || !step.more) return finish(pipeline, step.satisfied && step.more, options);
  }
}

async function handOn(step: PipelineStep, options: PumpOptions): Promise<void> {
  if (step.output !== null) await options.onOutput?.(step.output);
  options.onStep?.();
}

async function finish(pipeline: TracePipeline, satisfied: boolean, options: PumpOptions): Promise<Pumped> {
  const result = await pipeline.finish();
  if (result.output !== null) await options.onOutput?.(result.output);
  return { result, satisfied };
}

/** Small pieces (of a pipe, of an unpacker) joined, since each push costs a change of threads. */
async function* inChunks(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of source) {
    pieces.push(piece);
    bytes += piece.length;
    if (bytes < CHUNK_BYTES) continue;
    yield pieces.length === 1 ? piece : Buffer.concat(pieces);
    pieces = [];
    bytes = 0;
  }
  if (bytes > 0) yield Buffer.concat(pieces);
}

/** Fetches one chunk while its reader works on the one before: unpacking and decoding take turns on two cores. */
async function* readAhead<T>(source: AsyncGenerator<T>): AsyncGenerator<T> {
  const fetch = (): Promise<IteratorResult<T>> => {
    const next = source.next();
    next.catch(() => undefined); // it is awaited below, unless the reader has left
    return next;
  };
  try {
    for (let next = await fetch(); next.done !== true; ) {
      const ahead = fetch();
      yield next.value;
      next = await ahead;
    }
  } finally {
    await source.return(undefined);
  }
}
