import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { unlinkSync } from "node:fs";
import { type FileHandle, open, rename, stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { Transform, Writable } from "node:stream";
import * as zlib from "node:zlib";
import { TraceError, UsageError, UserError } from "../errors.js";
import { writePiece } from "./drive.js";

export const OUTPUT_FORMATS = ["rmt", "rmt.gz", "rmt.zst", "csv", "csv.gz", "csv.zst"] as const;
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

/** What to write into a file of this name. Throws UsageError `unknown-output` for a name that does not say. */
export function outputFormatOf(path: string): OutputFormat {
  const format = OUTPUT_FORMATS.find((each) => path.toLowerCase().endsWith(`.${each}`));
  if (format !== undefined) return format;
  throw new UsageError("unknown-output", `the name of the output does not say what to write: ${path}`, {
    remedy: `End it with one of ${OUTPUT_FORMATS.map((each) => `.${each}`).join(", ")}, or say it with --to.`,
  });
}

export interface OutputOptions {
  readonly format: OutputFormat;
  /** Replace a file that is there. */
  readonly force: boolean;
  /** Of gzip, 1 to 9. */
  readonly gzipLevel?: number;
}

/**
 * A file that is there when it is complete, and not before: it is written under another name beside its place, and
 * renamed at the end. What is no regular file (a pipe, /dev/null) is written as it is.
 */
export class TraceOutput {
  /** Bytes written, packed; final after `commit`. */
  writtenBytes = 0;
  private readonly removeAtExit = (): void => this.removePart();

  private constructor(
    private readonly path: string,
    private readonly target: FileHandle | Writable,
    /** The name until the end, where there is something to rename. */
    private partPath: string | undefined,
    private readonly packer: Packer | undefined,
  ) {
    if (partPath !== undefined) process.on("exit", this.removeAtExit);
  }

  /** @param path the file, or a stream for standard output. Throws UserError that says what is wrong with the path. */
  static async open(path: string | Writable, options: OutputOptions): Promise<TraceOutput> {
    const packer = makePacker(options);
    if (typeof path !== "string") return new TraceOutput("standard output", path, undefined, packer);
    try {
      const there = await stat(path).catch((error: NodeJS.ErrnoException) => {
        if (error.code === "ENOENT") return undefined;
        throw error;
      });
      if (there?.isDirectory()) throw Object.assign(new Error("it is a folder"), { code: "EISDIR" });
      if (there !== undefined && !there.isFile()) {
        return new TraceOutput(path, await open(path, "w"), undefined, packer);
      }
      if (there !== undefined && !options.force) {
        throw new UsageError("file-exists", `${path} exists already`, { remedy: "--force replaces it." });
      }
      const partPath = `${path}.${randomUUID()}.part`;
      return new TraceOutput(path, await open(partPath, "wx"), partPath, packer);
    } catch (error) {
      throw outputError(error, path);
    }
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.packer === undefined) await this.put(bytes);
    else for (const piece of await this.packer.pack(bytes)) await this.put(piece);
  }

  /** Completes the file and gives it its name. */
  async commit(): Promise<void> {
    if (this.packer !== undefined) for (const piece of await this.packer.finish()) await this.put(piece);
    try {
      if (isHandle(this.target)) await this.target.close();
      if (this.partPath !== undefined) await rename(this.partPath, this.path);
    } catch (error) {
      throw outputError(error, this.path);
    }
    this.partPath = undefined;
    process.off("exit", this.removeAtExit);
  }

  /** Removes what was written, unless it was committed. */
  async discard(): Promise<void> {
    this.packer?.close();
    if (this.partPath === undefined) return;
    if (isHandle(this.target)) await this.target.close();
    this.removePart();
    process.off("exit", this.removeAtExit);
  }

  private async put(bytes: Uint8Array): Promise<void> {
    this.writtenBytes += bytes.length;
    const { target } = this;
    if (!isHandle(target)) {
      if (!target.write(bytes)) await once(target, "drain");
      return;
    }
    try {
      for (let at = 0; at < bytes.length; ) at += (await target.write(bytes, at)).bytesWritten;
    } catch (error) {
      throw outputError(error, this.path);
    }
  }

  private removePart(): void {
    if (this.partPath === undefined) return;
    unlinkSync(this.partPath);
    this.partPath = undefined;
  }
}

/** A compressor that is given pieces and gives back what it has. */
class Packer {
  private packed: Buffer[] = [];
  private failure: unknown;

  constructor(private readonly transform: Transform) {
    transform.on("data", (piece: Buffer) => this.packed.push(piece));
    transform.on("error", (error) => {
      this.failure = error;
    });
  }

  async pack(bytes: Uint8Array): Promise<Buffer[]> {
    await writePiece(this.transform, bytes);
    return this.take();
  }

  async finish(): Promise<Buffer[]> {
    const ended = once(this.transform, "end");
    this.transform.end();
    await ended;
    return this.take();
  }

  close(): void {
    this.transform.destroy();
  }

  private take(): Buffer[] {
    if (this.failure !== undefined) throw this.failure;
    return this.packed.splice(0);
  }
}

function makePacker({ format, gzipLevel }: OutputOptions): Packer | undefined {
  if (format.endsWith(".gz")) {
    const level = gzipLevel ?? zlib.constants.Z_DEFAULT_COMPRESSION;
    return new Packer(zlib.createGzip({ level, chunkSize: 256 * 1024 }));
  }
  if (!format.endsWith(".zst")) return undefined;
  // In Node 22.15 and later, and not in the types of Node 20.
  const { createZstdCompress } = zlib as { createZstdCompress?: () => Transform };
  if (createZstdCompress !== undefined) return new Packer(createZstdCompress());
  throw new UsageError("no-zstd", `this Node (${process.version}) cannot write .zst`, {
    remedy: "Write .gz, or use Node 22.15 or later.",
  });
}

function isHandle(target: FileHandle | Writable): target is FileHandle {
  return !("writable" in target);
}

function outputError(error: unknown, path: string): unknown {
  if (error instanceof UserError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  const make = (name: string, what: string, remedy?: string): TraceError =>
    new TraceError(name, what, { file: path }, { cause: error, ...(remedy === undefined ? {} : { remedy }) });
  switch (code) {
    case "ENOSPC":
    case "EDQUOT":
      return make(
        "disk-full",
        `there is no room left in ${dirname(path)}`,
        "Make room there, or write elsewhere.",
      );
    case "ENOENT":
    case "ENOTDIR":
      return make("file-not-found", `there is no folder ${dirname(path)} to write into`);
    case "EISDIR":
      return make("is-a-directory", "this is a folder", "Name a file in it.");
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return make("no-permission", `you may not write into ${dirname(path)}`);
    default:
      return make("io", `the file cannot be written: ${message}`);
  }
}
