import { createHash } from "node:crypto";
import { access, constants, type FileHandle, open, stat } from "node:fs/promises";
import { basename } from "node:path";
import { TraceError } from "../errors.js";

const READ_BYTES = 1024 * 1024;

/** An open file, or standard input, read once from front to back, counted and hashed on the way. */
export class TraceInput {
  private readonly hash = createHash("sha256");
  /** Everything was read. */
  ended = false;
  /** Bytes read so far. */
  readBytes = 0;

  private constructor(
    readonly path: string,
    private readonly handle: FileHandle | undefined,
    /** Bytes of a regular file; of anything else they are not known before its end. */
    readonly totalBytes: number | undefined,
  ) {}

  /** Opens `path`, or standard input for `-`. Throws TraceError that says what is wrong with the path. */
  static async open(path: string): Promise<TraceInput> {
    if (path === "-") {
      if (process.stdin.isTTY) {
        throw new TraceError(
          "no-input",
          "standard input is a terminal, and no trace comes from it",
          { file: path },
          {
            remedy: "Pipe a trace into it, or name a file.",
          },
        );
      }
      return new TraceInput(path, undefined, undefined);
    }
    let handle: FileHandle | undefined;
    try {
      handle = await open(path, "r");
      const stats = await handle.stat();
      if (stats.isDirectory()) throw Object.assign(new Error("is a directory"), { code: "EISDIR" });
      return new TraceInput(path, handle, stats.isFile() ? stats.size : undefined);
    } catch (cause) {
      await handle?.close();
      throw openError(cause as NodeJS.ErrnoException, path);
    }
  }

  /**
   * Throws the TraceError that `open` would throw for what is no file, or none that may be read. A pipe is left alone:
   * whoever writes into it would see it closed.
   */
  static async check(path: string): Promise<void> {
    if (path === "-") return;
    try {
      const stats = await stat(path);
      if (stats.isDirectory()) throw Object.assign(new Error("is a directory"), { code: "EISDIR" });
      if (stats.isFile()) await access(path, constants.R_OK);
    } catch (cause) {
      throw openError(cause as NodeJS.ErrnoException, path);
    }
  }

  /** The name without folders. */
  get name(): string {
    return this.path === "-" ? "standard input" : basename(this.path);
  }

  /** The file where it can be read at any place. */
  get regular(): FileHandle | undefined {
    return this.totalBytes === undefined ? undefined : this.handle;
  }

  async *read(): AsyncGenerator<Uint8Array> {
    for await (const chunk of this.handle === undefined
      ? (process.stdin as AsyncIterable<Buffer>)
      : this.pieces(this.handle)) {
      this.hash.update(chunk);
      this.readBytes += chunk.length;
      yield chunk;
    }
    this.ended = true;
  }

  /** SHA-256 of the whole file: reads what was not read yet (the index of a zip file, say). */
  async sha256(): Promise<string> {
    if (!this.ended) {
      for await (const _ of this.read());
    }
    return this.hash.digest("hex");
  }

  /** Ends a read that waits for a pipe. */
  interrupt(): void {
    if (this.handle === undefined) process.stdin.destroy();
  }

  async close(): Promise<void> {
    await this.handle?.close();
    this.interrupt();
  }

  private async *pieces(handle: FileHandle): AsyncGenerator<Buffer> {
    for (;;) {
      const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
      let bytesRead: number;
      try {
        ({ bytesRead } = await handle.read(
          buffer,
          0,
          READ_BYTES,
          this.totalBytes === undefined ? null : this.readBytes,
        ));
      } catch (cause) {
        throw new TraceError(
          "io",
          `the file cannot be read: ${(cause as Error).message}`,
          { file: this.path },
          { cause },
        );
      }
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  }
}

function openError(cause: NodeJS.ErrnoException, path: string): TraceError {
  const make = (code: string, message: string, remedy?: string): TraceError =>
    new TraceError(code, message, { file: path }, { cause, ...(remedy === undefined ? {} : { remedy }) });
  switch (cause.code) {
    case "ENOENT":
      return make("file-not-found", "there is no such file");
    case "ENOTDIR":
      return make("file-not-found", "a part of the path is no folder");
    case "EISDIR":
      return make("is-a-directory", "this is a folder, not a trace", "Name a file in it.");
    case "EACCES":
    case "EPERM":
      return make("no-permission", "you may not read this file", `Try: ls -l ${path}`);
    default:
      return make("io", `the file cannot be opened: ${cause.message}`);
  }
}
