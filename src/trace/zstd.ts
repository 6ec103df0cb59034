import { Decompress } from "fzstd";

const FRAME_MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a50; // to …5f
const LONGEST_HEADER = 18;
// What the zstd tool takes by default, too. A frame may ask for terabytes in six bytes.
const MAX_WINDOW_BYTES = 128 * 1024 * 1024;

/** Input that is not Zstandard, or cut off. */
export class ZstdError extends Error {
  constructor(
    message: string,
    readonly cut = false,
  ) {
    super(message);
  }
}

/**
 * Unpacks Zstandard (RFC 8878) with fzstd, which gets one block of at most 128 KiB at a time and only frames whose window is
 * bounded, so that memory is bounded as well. Checksums of frames are not verified: fzstd has none.
 */
export async function* unzstd(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const input = new ByteQueue(source);
  let frames = 0;
  while (await input.has(1)) {
    const header = await input.peek(LONGEST_HEADER);
    const magic = header.length >= 4 ? header.readUInt32LE(0) : 0;
    if (header.length >= 8 && (magic & ~0xf) >>> 0 === SKIPPABLE_MAGIC) {
      await input.skip(8 + header.readUInt32LE(4));
      continue;
    }
    if (magic !== FRAME_MAGIC) {
      throw new ZstdError(
        frames === 0 ? "no Zstandard frame" : "something that is no Zstandard frame follows the last one",
      );
    }
    yield* frame(input, header);
    frames += 1;
  }
}

async function* frame(input: ByteQueue, header: Buffer): AsyncGenerator<Uint8Array> {
  const { headerBytes, checksum } = readFrameHeader(header);
  const unpacked: Uint8Array[] = [];
  const unpacker = new Decompress((bytes) => unpacked.push(bytes));
  push(unpacker, await input.take(headerBytes), false);
  for (let last = false; !last; ) {
    const blockHeader = (await input.take(3)).readUIntLE(0, 3);
    last = (blockHeader & 1) === 1;
    const type = (blockHeader >> 1) & 3;
    if (type === 3) throw new ZstdError("a block of a reserved type");
    const bytes = type === 1 ? 1 : blockHeader >> 3; // RLE: one byte stands for all
    if (bytes > 128 * 1024) throw new ZstdError("a block beyond 128 KiB");
    const body = await input.take(bytes + (last && checksum ? 4 : 0));
    const block = Buffer.alloc(3 + body.length);
    block.writeUIntLE(blockHeader, 0, 3);
    block.set(body, 3);
    push(unpacker, block, last);
    for (const piece of unpacked.splice(0)) if (piece.length > 0) yield piece;
  }
}

function readFrameHeader(header: Buffer): { headerBytes: number; checksum: boolean } {
  const descriptor = header[4] ?? 0;
  const singleSegment = (descriptor & 0x20) !== 0;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] ?? 0;
  const sizeFlag = descriptor >> 6;
  const sizeBytes = sizeFlag === 0 ? (singleSegment ? 1 : 0) : 1 << sizeFlag;
  const sizeAt = 5 + (singleSegment ? 0 : 1) + dictionaryBytes;
  const headerBytes = sizeAt + sizeBytes;
  if (header.length < headerBytes) throw new ZstdError("the stream is cut off in a frame header", true);
  if (dictionaryBytes !== 0) throw new ZstdError("a frame packed with a dictionary");
  let windowBytes: bigint;
  if (singleSegment) {
    let size = 0n;
    for (let at = sizeBytes - 1; at >= 0; at -= 1) size = (size << 8n) | BigInt(header[sizeAt + at] ?? 0);
    windowBytes = sizeFlag === 1 ? size + 256n : size;
  } else {
    const window = header[5] ?? 0;
    const base = 1n << BigInt(10 + (window >> 3));
    windowBytes = base + (base / 8n) * BigInt(window & 7);
  }
  if (windowBytes > BigInt(MAX_WINDOW_BYTES)) {
    throw new ZstdError("a frame that needs a window beyond 128 MiB (packed with --long or --ultra?)");
  }
  return { headerBytes, checksum: (descriptor & 4) !== 0 };
}

function push(unpacker: Decompress, bytes: Uint8Array, last: boolean): void {
  try {
    unpacker.push(bytes, last);
  } catch (cause) {
    throw new ZstdError(cause instanceof Error ? cause.message : String(cause));
  }
}

/** Bytes of a stream, taken in pieces of a chosen length. */
class ByteQueue {
  private readonly iterator: AsyncIterator<Uint8Array>;
  private chunk: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Uint8Array>) {
    this.iterator = source[Symbol.asyncIterator]();
  }

  /** Whether at least `bytes` are left. */
  async has(bytes: number): Promise<boolean> {
    while (this.chunk.length < bytes) {
      const next = await this.iterator.next();
      if (next.done === true) return false;
      this.chunk = Buffer.concat([this.chunk, next.value]);
    }
    return true;
  }

  /** The next `bytes`, or fewer at the end; they stay. */
  async peek(bytes: number): Promise<Buffer> {
    await this.has(bytes);
    return this.chunk.subarray(0, bytes);
  }

  async take(bytes: number): Promise<Buffer> {
    if (!(await this.has(bytes))) throw new ZstdError("the stream is cut off", true);
    const taken = this.chunk.subarray(0, bytes);
    this.chunk = this.chunk.subarray(bytes);
    return taken;
  }

  async skip(bytes: number): Promise<void> {
    for (let left = bytes; left > 0; ) left -= (await this.take(Math.min(left, 64 * 1024))).length;
  }
}
