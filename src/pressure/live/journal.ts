import { closeSync, existsSync, ftruncateSync, openSync, rmSync, writeSync } from "node:fs";
import { UsageError, UserError } from "../../errors.js";
import { type OutputFormat, TraceOutput } from "../../trace/output.js";
import { runTrace } from "../../trace/source.js";
import type { Sample } from "./sample.js";

/** Of a trace as CSV, those that a sample has (native/trace/csv_records.h). */
const HEADER = "time_ns,event,id,used,total,swap,psi\n";

export function journalRow(sample: Sample): string {
  const { timeNs, usedBytes, totalBytes, swapBytes, psiMillipercent } = sample;
  return `${timeNs},sample,,${usedBytes},${totalBytes},${swapBytes ?? ""},${psiMillipercent ?? ""}\n`;
}

/**
 * A recording under way: a CSV trace beside the trace that it becomes, each sample in it before the next is taken. Whoever
 * kills the watch leaves it behind, readable as it is.
 */
export class Journal {
  readonly path: string;
  samples = 0;
  /** Why nothing is added any more. */
  failure: string | undefined;
  private readonly file: number;
  private bytes = 0;

  /** Throws UserError where the trace, or a journal that was left behind, would be lost. */
  constructor(
    readonly tracePath: string,
    private readonly format: OutputFormat,
    private readonly force: boolean,
  ) {
    this.path = `${tracePath}.journal.csv`;
    if (!force && existsSync(tracePath)) {
      throw new UsageError("file-exists", `${tracePath} exists already`, { remedy: "--force replaces it." });
    }
    if (!force && existsSync(this.path)) {
      throw new UsageError("file-exists", `${this.path} was left behind by a watch that was killed`, {
        remedy: `rustydb-mem convert ${this.path} ${tracePath} makes a trace of it; --force replaces it.`,
      });
    }
    try {
      this.file = openSync(this.path, "w");
    } catch (cause) {
      throw new UserError("not-written", `${this.path} cannot be written: ${(cause as Error).message}`, {
        remedy: "Name a file in a folder that is there and may be written into.",
        cause,
      });
    }
    if (this.put(HEADER)) return;
    closeSync(this.file);
    rmSync(this.path, { force: true });
    throw new UserError("not-written", `${this.path} cannot be written: ${this.failure ?? ""}`, {
      remedy: "Make room there, or write elsewhere.",
    });
  }

  /** False once nothing can be added, the first time too. */
  append(sample: Sample): boolean {
    if (this.failure !== undefined || !this.put(journalRow(sample))) return false;
    this.samples += 1;
    return true;
  }

  /** Makes the trace, and removes the journal; without a sample there is none. Throws UserError, and the journal stays. */
  async finish(): Promise<number> {
    closeSync(this.file);
    if (this.samples === 0) {
      rmSync(this.path, { force: true });
      return 0;
    }
    const output = await TraceOutput.open(this.tracePath, { format: this.format, force: this.force });
    try {
      const kind = this.format.startsWith("csv") ? "csv" : "rmt";
      await runTrace(this.path, { kind }, { format: "csv", onOutput: (bytes) => output.write(bytes) });
      await output.commit();
    } finally {
      await output.discard();
    }
    rmSync(this.path, { force: true });
    return output.writtenBytes;
  }

  /** Nothing came of it: the journal goes, unless there are samples in it. */
  discard(): void {
    closeSync(this.file);
    if (this.samples === 0) rmSync(this.path, { force: true });
  }

  private put(row: string): boolean {
    try {
      const written = writeSync(this.file, row);
      if (written < Buffer.byteLength(row)) throw new Error("there is no room left");
      this.bytes += written;
      return true;
    } catch (error) {
      this.failure = (error as Error).message;
      try {
        ftruncateSync(this.file, this.bytes); // half a row is none
      } catch {
        // What cannot be written to cannot be cut either; the reader says which row is broken.
      }
      return false;
    }
  }
}
