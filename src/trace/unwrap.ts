import type { FileHandle } from "node:fs/promises";
import { crc32, createGunzip } from "node:zlib";
import yauzl from "yauzl";
import { TraceError } from "../errors.js";
import { drive } from "./drive.js";
import type { Wrapping } from "./event.js";
import { Spool } from "./spool.js";
import { unzstd, ZstdError } from "./zstd.js";

/** A stream of plain bytes, and what it was wrapped in. */
export class Unwrapped {
  readonly wrappings: Wrapping[] = [];
  /** The packed stream that turned out to be cut off (`gzip`): the bytes end early, without an error. */
  cutOff: string | undefined;
  /** How many bytes there will be, where the wrapping says so. */
  totalBytes: number | undefined;
  bytes: AsyncGenerator<Uint8Array>;
  readonly spools: Spool[] = [];

  constructor(bytes: AsyncGenerator<Uint8Array>) {
    this.bytes = bytes;
  }

  /** Gives back temporary files; to be called in any case. */
  async close(): Promise<void> {
    await this.bytes.return(undefined);
    for (const spool of this.spools.splice(0)) await spool.close();
  }
}

export interface UnwrapOptions {
  /** The name of the file, for errors. */
  readonly file: string;
  /** The open file where it is a regular one, so that a zip needs no copy. */
  readonly regular?: FileHandle;
}

const MAX_WRAPPINGS = 2;

/** Unwraps gz, zip (one entry) and zst, up to two around one another. Throws TraceError. */
export async function unwrap(source: AsyncIterable<Uint8Array>, options: UnwrapOptions): Promise<Unwrapped> {
  let { head, bytes } = await withHead(source);
  const unwrapped = new Unwrapped(bytes);
  try {
    for (let wrapping = wrappingOf(head); wrapping !== undefined; wrapping = wrappingOf(head)) {
      if (unwrapped.wrappings.length === MAX_WRAPPINGS) {
        throw new TraceError(
          "packed-too-often",
          `the file is packed more than twice (${unwrapped.wrappings.join(", in it ")}, …)`,
          {
            file: options.file,
          },
        );
      }
      ({ head, bytes } = await withHead(await unwrapOne(wrapping, unwrapped, options)));
      unwrapped.bytes = bytes;
      unwrapped.wrappings.push(wrapping);
    }
    return unwrapped;
  } catch (error) {
    await unwrapped.close();
    throw error;
  }
}

async function unwrapOne(
  wrapping: Wrapping,
  outer: Unwrapped,
  { file, regular }: UnwrapOptions,
): Promise<AsyncIterable<Uint8Array>> {
  outer.totalBytes = undefined;
  switch (wrapping) {
    case "gz":
      return gunzip(outer, outer.bytes, file);
    case "zst":
      return unpackZstd(outer, outer.bytes, file);
    case "zip": {
      if (regular !== undefined && outer.wrappings.length === 0) return unzip(outer, regular.fd, file);
      const spool = await Spool.from(outer.bytes);
      outer.spools.push(spool);
      return unzip(outer, spool.fd, file);
    }
  }
}

function wrappingOf(head: Buffer): Wrapping | undefined {
  if (head.length >= 2 && head[0] === 0x1f && head[1] === 0x8b) return "gz";
  if (head.length < 4) return undefined;
  const magic = head.readUInt32LE(0);
  if (magic === 0x04034b50 || magic === 0x06054b50) return "zip";
  if (magic === 0xfd2fb528 || (magic & ~0xf) >>> 0 === 0x184d2a50) return "zst";
  return undefined;
}

/** The first four bytes of a stream (fewer where it has no more), and the whole of it. */
async function withHead(
  source: AsyncIterable<Uint8Array>,
): Promise<{ head: Buffer; bytes: AsyncGenerator<Uint8Array> }> {
  const iterator = source[Symbol.asyncIterator]();
  let head: Buffer = Buffer.alloc(0);
  let over = false;
  while (head.length < 4 && !over) {
    const next = await iterator.next();
    if (next.done === true) over = true;
    else
      head =
        head.length === 0
          ? Buffer.from(next.value.buffer, next.value.byteOffset, next.value.length)
          : Buffer.concat([head, next.value]);
  }
  async function* whole(): AsyncGenerator<Uint8Array> {
    try {
      if (head.length > 0) yield head;
      while (!over) {
        const next = await iterator.next();
        if (next.done === true) return;
        yield next.value;
      }
    } finally {
      await iterator.return?.();
    }
  }
  return { head, bytes: whole() };
}

async function* gunzip(
  unwrapped: Unwrapped,
  source: AsyncIterable<Uint8Array>,
  file: string,
): AsyncGenerator<Uint8Array> {
  try {
    for await (const pieces of drive<Buffer>(source, createGunzip({ chunkSize: 256 * 1024 }))) yield* pieces;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "";
    if (code === "Z_BUF_ERROR") unwrapped.cutOff = "gzip";
    else if (code.startsWith("Z_")) {
      throw new TraceError(
        "damaged-gz",
        `the gzip stream is damaged: ${(error as Error).message}`,
        { file },
        {
          remedy: "Get the file again: what is damaged in a packed stream cannot be skipped.",
          cause: error,
        },
      );
    } else throw error;
  }
}

async function* unpackZstd(
  unwrapped: Unwrapped,
  source: AsyncIterable<Uint8Array>,
  file: string,
): AsyncGenerator<Uint8Array> {
  try {
    yield* unzstd(source);
  } catch (error) {
    if (!(error instanceof ZstdError)) throw error;
    if (error.cut) unwrapped.cutOff = "Zstandard";
    else {
      const message = `the Zstandard stream cannot be unpacked: ${error.message}`;
      throw new TraceError("damaged-zst", message, { file }, { cause: error });
    }
  }
}

/** The one entry of a zip file, with its length and CRC checked. */
async function* unzip(unwrapped: Unwrapped, fd: number, file: string): AsyncGenerator<Uint8Array> {
  const damaged = (cause: unknown): TraceError =>
    new TraceError(
      "damaged-zip",
      `the zip file cannot be read: ${(cause as Error).message}`,
      { file },
      { cause },
    );
  let zip: yauzl.ZipFile;
  const entries: yauzl.Entry[] = [];
  try {
    zip = await yauzl.fromFdPromise(fd, { autoClose: false, lazyEntries: true });
    for await (const entry of zip.eachEntry()) {
      if (!entry.fileName.endsWith("/")) entries.push(entry);
      if (entries.length > 8) break;
    }
  } catch (cause) {
    throw damaged(cause);
  }
  const [entry] = entries;
  if (entry === undefined) throw new TraceError("empty", "the zip file has no file in it", { file });
  if (entries.length > 1) {
    const names = entries.slice(0, 8).map(({ fileName }) => fileName);
    const list = names.join(", ") + (entries.length > 8 ? ", …" : "");
    throw new TraceError(
      "several-entries",
      `the zip file has more than one file in it: ${list}`,
      { file },
      {
        remedy: "Unpack it and name the one that is the trace.",
      },
    );
  }
  unwrapped.totalBytes = entry.uncompressedSize;
  let crc = 0;
  try {
    for await (const chunk of await zip.openReadStreamPromise(entry)) {
      crc = crc32(chunk as Buffer, crc);
      yield chunk as Buffer;
    }
  } catch (cause) {
    throw damaged(cause);
  }
  if (crc !== entry.crc32) throw damaged(new Error(`the checksum of ${entry.fileName} is wrong`));
}
