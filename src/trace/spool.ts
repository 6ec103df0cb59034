import { randomUUID } from "node:crypto";
import { type FileHandle, open, unlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "../errors.js";

/** A temporary file without a name, for what must be read at random places. It is gone when it is closed, or we are killed. */
export class Spool {
  private constructor(private readonly handle: FileHandle) {}

  /** Writes all of `source` into a new spool in the folder for temporary files. */
  static async from(source: AsyncIterable<Uint8Array>, directory: string = tmpdir()): Promise<Spool> {
    const path = join(directory, `rustydb-mem-${randomUUID()}`);
    let handle: FileHandle | undefined;
    try {
      handle = await open(path, "wx+", 0o600);
      await unlink(path);
    } catch (cause) {
      await handle?.close();
      throw spoolError(cause, directory);
    }
    try {
      for await (const chunk of source) await writeAll(handle, chunk, directory);
    } catch (error) {
      await handle.close();
      throw error;
    }
    return new Spool(handle);
  }

  get fd(): number {
    return this.handle.fd;
  }

  /** A name that works while this process holds the spool. */
  get path(): string {
    return `/proc/self/fd/${this.handle.fd}`;
  }

  async close(): Promise<void> {
    await this.handle.close();
  }
}

async function writeAll(handle: FileHandle, chunk: Uint8Array, directory: string): Promise<void> {
  try {
    for (let at = 0; at < chunk.length; ) at += (await handle.write(chunk, at)).bytesWritten;
  } catch (cause) {
    throw spoolError(cause, directory);
  }
}

function spoolError(cause: unknown, directory: string): UserError {
  const code = (cause as NodeJS.ErrnoException).code;
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new UserError("disk-full", `there is no room left in ${directory} to unpack the trace`, {
      remedy: "Make room there, or set TMPDIR to a folder with more.",
      cause,
    });
  }
  return new UserError("io", `cannot unpack the trace into ${directory}: ${(cause as Error).message}`, {
    remedy: "Set TMPDIR to a folder that can be written.",
    cause,
  });
}
