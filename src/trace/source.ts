import { Interrupted, TraceError } from "../errors.js";
import {
  type ImportReport,
  type NativeFormat,
  native,
  type PipelineFilters,
  type PipelineSink,
  type PipelineSource,
  type TracePipeline,
  type WholeFileFormat,
} from "../native.js";
import { splitCsv } from "./csv.js";
import type { TraceFormat, TraceRun } from "./event.js";
import { toUserError } from "./failure.js";
import { describeForeign, knownFormats } from "./foreign.js";
import { type GeneratedTrace, originOf, pumpGenerated } from "./generated.js";
import { TraceInput } from "./input.js";
import { type Pumped, pumpBytes, pumpSteps } from "./pump.js";
import { Spool } from "./spool.js";
import { type Unwrapped, unwrap } from "./unwrap.js";

// What detectFormat likes to see.
const DETECT_BYTES = 4096;

export interface RunProgress {
  /** Of the file, or of what it unpacks to; events of a trace that is made, where nothing is read. */
  readonly doneBytes: number;
  /** Null where nobody knows: a pipe. */
  readonly totalBytes: number | null;
  /** Events of the source so far. */
  readonly events: number;
}

export interface RunOptions {
  /** Overrides what the content says. */
  readonly format?: TraceFormat;
  /** A trace that was cut off is an error. */
  readonly strict?: boolean;
  /** Go on after a damaged block of an `.rmt`, and count the loss. */
  readonly skipDamaged?: boolean;
  readonly filters?: PipelineFilters;
  /** Takes what the sinks `rmt` and `csv` write; the next piece is made when its promise is settled. */
  readonly onOutput?: (bytes: Buffer) => void | Promise<void>;
  readonly onProgress?: (progress: RunProgress) => void;
  /** Stops the run with `Interrupted`. */
  readonly signal?: AbortSignal;
}

/** The path of a trace (`-`: standard input), or one that a workload makes. */
export type TraceSource = string | GeneratedTrace;

/** As the user named it. */
export const pathOf = (source: TraceSource): string =>
  typeof source === "string" ? source : source.origin.path;

/**
 * Reads a trace through a native pipeline into `sink`. Memory is bounded by what the sink holds. Throws TraceError for what is
 * wrong with the trace, Interrupted when the signal came. What the options say about files does not matter to a made one.
 */
export function runTrace(
  source: TraceSource,
  sink: PipelineSink,
  options: RunOptions = {},
): Promise<TraceRun> {
  return typeof source === "string" ? runFile(source, sink, options) : runMade(source, sink, options);
}

async function runMade(source: GeneratedTrace, sink: PipelineSink, options: RunOptions): Promise<TraceRun> {
  const { filters, onOutput, onProgress, signal } = options;
  const pumped = await pumpGenerated(source.program, sink, {
    ...(filters && { filters }),
    ...(onOutput && { onOutput }),
    ...(signal && { signal }),
    ...(onProgress && {
      onEvents: (events) => onProgress({ doneBytes: events, totalBytes: source.events, events }),
    }),
  });
  return { ...pumped.result, file: originOf(source, pumped) };
}

async function runFile(path: string, sink: PipelineSink, options: RunOptions): Promise<TraceRun> {
  const input = await TraceInput.open(path);
  const run = new Run(input, sink, options);
  const stop = (): void => run.stop();
  options.signal?.addEventListener("abort", stop);
  try {
    if (options.signal?.aborted) throw new Interrupted();
    return await run.all();
  } catch (error) {
    throw options.signal?.aborted ? new Interrupted() : toUserError(error, path);
  } finally {
    options.signal?.removeEventListener("abort", stop);
    await run.close();
  }
}

class Run {
  private unwrapped: Unwrapped | undefined;
  private pipeline: TracePipeline | undefined;
  private plainBytes = 0;

  constructor(
    private readonly input: TraceInput,
    private readonly sink: PipelineSink,
    private readonly options: RunOptions,
  ) {}

  async all(): Promise<TraceRun> {
    const { path, regular } = this.input;
    this.unwrapped = await unwrap(this.input.read(), { file: path, ...(regular && { regular }) });
    const { head, bytes } = await withHead(this.unwrapped.bytes);
    const format = chooseFormat(head, path, this.options.format);
    const { result, satisfied } =
      format === "rmt-raw" || format === "trace-utils"
        ? await this.runFile(bytes, format, this.unwrapped)
        : await this.runBytes(this.counted(bytes), format, this.unwrapped);
    return {
      ...result,
      report: withCutOff(result.report, this.unwrapped.cutOff),
      file: {
        path,
        name: this.input.name,
        bytes: this.input.totalBytes ?? this.input.readBytes,
        sha256: satisfied && !this.input.ended ? null : await this.input.sha256(),
        wrappings: this.unwrapped.wrappings,
        format: format === "rmt-raw" ? "rmt" : format,
        profile: format === "rmt" ? "canonical" : format === "rmt-raw" ? "raw" : null,
      },
    };
  }

  stop(): void {
    this.pipeline?.abort();
    this.input.interrupt();
  }

  async close(): Promise<void> {
    this.pipeline?.abort();
    await this.unwrapped?.close();
    await this.input.close();
  }

  private runBytes(
    bytes: AsyncIterable<Uint8Array>,
    format: Exclude<NativeFormat, WholeFileFormat>,
    unwrapped: Unwrapped,
  ): Promise<Pumped> {
    const { path } = this.input;
    const pipeline = this.start({ kind: "bytes", format, ...this.reading() });
    const pushed = format === "csv" ? splitCsv(bytes, path) : bytes;
    return pumpBytes(pipeline, pushed, this.pumping(), () =>
      refuseCutOff(unwrapped, format, path, this.options),
    );
  }

  /** What is merged from places all over the file is unpacked first, where it is packed or comes from a pipe. */
  private async runFile(
    bytes: AsyncIterable<Uint8Array>,
    format: WholeFileFormat,
    unwrapped: Unwrapped,
  ): Promise<Pumped> {
    const { path, regular } = this.input;
    const kind = format === "rmt-raw" ? "raw" : "trace-utils";
    if (regular !== undefined && unwrapped.wrappings.length === 0) {
      const pipeline = this.start({ kind, path: `/proc/self/fd/${regular.fd}`, ...this.reading() });
      return pumpSteps(pipeline, this.pumping());
    }
    const spool = await Spool.from(this.counted(bytes));
    try {
      refuseCutOff(unwrapped, format, path, this.options);
      return await pumpSteps(this.start({ kind, path: spool.path, ...this.reading() }), this.pumping());
    } finally {
      await spool.close();
    }
  }

  private start(source: PipelineSource): TracePipeline {
    const { TracePipeline } = native();
    const { filters } = this.options;
    this.pipeline = new TracePipeline({ source, sink: this.sink, ...(filters && { filters }) });
    return this.pipeline;
  }

  private reading(): { strict: boolean; skipDamaged: boolean } {
    return { strict: this.options.strict ?? false, skipDamaged: this.options.skipDamaged ?? false };
  }

  private pumping() {
    const { onOutput, onProgress } = this.options;
    return {
      ...(onOutput && { onOutput }),
      ...(onProgress && { onStep: () => onProgress(this.progress()) }),
    };
  }

  private progress(): RunProgress {
    const events = this.pipeline?.sourceEvents ?? 0;
    const unpackedBytes = this.unwrapped?.totalBytes;
    if (unpackedBytes !== undefined) return { doneBytes: this.plainBytes, totalBytes: unpackedBytes, events };
    return { doneBytes: this.input.readBytes, totalBytes: this.input.totalBytes ?? null, events };
  }

  private async *counted(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of bytes) {
      this.plainBytes += chunk.length;
      yield chunk;
    }
  }
}

/** The first bytes of a stream (fewer where it has no more), and the whole of it. */
async function withHead(
  source: AsyncGenerator<Uint8Array>,
): Promise<{ head: Buffer; bytes: AsyncGenerator<Uint8Array> }> {
  const first: Uint8Array[] = [];
  for (let length = 0; length < DETECT_BYTES; ) {
    const next = await source.next();
    if (next.done === true) break;
    first.push(next.value);
    length += next.value.length;
  }
  const head = Buffer.concat(first.map((chunk) => chunk.subarray(0, DETECT_BYTES))).subarray(0, DETECT_BYTES);
  async function* whole(): AsyncGenerator<Uint8Array> {
    yield* first.splice(0);
    yield* source;
  }
  return { head, bytes: whole() };
}

function chooseFormat(head: Buffer, file: string, wanted: TraceFormat | undefined): NativeFormat {
  if (head.length === 0) throw new TraceError("empty", "the file is empty", { file });
  const detected = native().detectFormat(head);
  if (wanted !== undefined) return wanted === "rmt" && detected === "rmt-raw" ? detected : wanted;
  if (detected !== null) return detected;
  throw new TraceError(
    "not-a-trace",
    `this is no trace: it is ${describeForeign(head)}`,
    { file },
    {
      remedy: knownFormats(),
    },
  );
}

/** An `.rmt` can be read up to where it ends; a text, or protobuf, could end in the middle of a number. */
function refuseCutOff(unwrapped: Unwrapped, format: NativeFormat, file: string, options: RunOptions): void {
  if (unwrapped.cutOff === undefined) return;
  const readable = format === "rmt" || format === "rmt-raw";
  if (readable && options.strict !== true) return;
  throw new TraceError(
    "truncated",
    `the ${unwrapped.cutOff} stream is cut off`,
    { file },
    {
      remedy: readable ? "Without --strict it is read as far as it goes." : "Get the whole file.",
    },
  );
}

function withCutOff(report: ImportReport, cutOff: string | undefined): ImportReport {
  if (cutOff === undefined) return report;
  const warning = `the ${cutOff} stream is cut off; the trace was read as far as it goes`;
  return { ...report, warnings: [warning, ...report.warnings] };
}
