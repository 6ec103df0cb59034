import { once } from "node:events";
import type { Transform } from "node:stream";

// A piece of a bomb (gzip packs 1:1032) may then become 17 MB, not more, before the reader sees it.
const PIECE_BYTES = 16 * 1024;

/**
 * Pushes `source` through `transform` and yields what comes out, batch by batch. Unlike a pipe it hands on everything that
 * came out before an error, and then throws the error.
 */
export async function* drive<T>(
  source: AsyncIterable<Uint8Array>,
  transform: Transform,
): AsyncGenerator<T[]> {
  let batch: T[] = [];
  let failure: unknown;
  transform.on("data", (item: T) => batch.push(item));
  transform.on("error", (error) => {
    failure ??= error;
  });
  const take = (): T[] => {
    const taken = batch;
    batch = [];
    return taken;
  };
  try {
    for await (const chunk of source) {
      for (let at = 0; at < chunk.length; at += PIECE_BYTES) {
        await writePiece(transform, chunk.subarray(at, at + PIECE_BYTES));
        if (batch.length > 0) yield take();
        if (failure !== undefined) throw failure;
      }
    }
    const ended = Promise.race([once(transform, "end"), once(transform, "close")]);
    transform.end();
    await ended.catch(() => undefined); // the listener above has the error
    if (batch.length > 0) yield take();
    if (failure !== undefined) throw failure;
  } finally {
    transform.destroy();
  }
}

/** Resolves when the piece has been worked on, or never will be (zlib then calls nobody back); errors arrive by the event. */
export function writePiece(transform: Transform, piece: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      transform.off("close", done);
      resolve();
    };
    transform.once("close", done);
    transform.write(piece, done);
  });
}
