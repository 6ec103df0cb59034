import { TraceError } from "../errors.js";

const MAX_LINE_BYTES = 64 * 1024;

/** The lines of a text, in batches, without their ends. Throws TraceError `bad-line` for one of more than 64 KiB. */
export async function* linesOf(bytes: AsyncIterable<Uint8Array>, file: string): AsyncGenerator<string[]> {
  const decoder = new TextDecoder();
  let rest = "";
  let line = 1;
  for await (const piece of bytes) {
    const lines = (rest + decoder.decode(piece, { stream: true })).split(/\r?\n/);
    rest = lines.pop() ?? "";
    if (lines.length > 0) yield lines;
    line += lines.length;
    if (rest.length > MAX_LINE_BYTES)
      throw new TraceError("bad-line", "a line is longer than 64 KiB", { file, line });
  }
  rest += decoder.decode();
  if (rest !== "") yield [rest];
}
