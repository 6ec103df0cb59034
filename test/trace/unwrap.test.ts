import { open, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { TraceError } from "../../src/errors.js";
import { unwrap } from "../../src/trace/unwrap.js";
import { unzstd } from "../../src/trace/zstd.js";
import { androidText, androidZst, zipOf } from "./packed.js";

/** In pieces, as a pipe brings it. */
async function* stream(bytes: Uint8Array, pieceBytes = 100): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
}

async function unwrapped(bytes: Uint8Array, pieceBytes?: number) {
  const result = await unwrap(stream(bytes, pieceBytes), { file: "t" });
  try {
    const pieces: Uint8Array[] = [];
    for await (const piece of result.bytes) pieces.push(piece);
    const { wrappings, cutOff } = result;
    return { text: Buffer.concat(pieces).toString(), wrappings, cutOff };
  } finally {
    await result.close();
  }
}

async function failure(bytes: Uint8Array): Promise<TraceError> {
  const error = await unwrapped(bytes).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(TraceError);
  return error as TraceError;
}

const spoolsLeft = async (): Promise<string[]> =>
  (await readdir(tmpdir())).filter((name) => /^rustydb-mem-[0-9a-f-]{36}$/.test(name));

describe("unwrapping", () => {
  const plain = Buffer.from(androidText);

  it.each<[string, Buffer, string[]]>([
    ["nothing", plain, []],
    ["an empty file", Buffer.alloc(0), []],
    ["fewer bytes than a magic", Buffer.from("7"), []],
    ["gz", gzipSync(plain), ["gz"]],
    [
      "gz of several members",
      Buffer.concat([gzipSync(plain.subarray(0, 500)), gzipSync(plain.subarray(500))]),
      ["gz"],
    ],
    ["zst", androidZst, ["zst"]],
    ["zip", zipOf({ "trace.txt": plain }), ["zip"]],
    ["zip with folders in it", zipOf({ "a/": "", "a/trace.txt": plain }), ["zip"]],
    ["gz in gz", gzipSync(gzipSync(plain)), ["gz", "gz"]],
    ["gz in zip", zipOf({ "trace.txt.gz": gzipSync(plain) }), ["zip", "gz"]],
    ["zip in gz", gzipSync(zipOf({ "trace.txt": plain })), ["gz", "zip"]],
    ["zst in gz", gzipSync(androidZst), ["gz", "zst"]],
  ])("takes %s off", async (_, packed, wrappings) => {
    for (const pieceBytes of [1, 7, 100_000]) {
      const result = await unwrapped(packed, pieceBytes);
      expect(result.wrappings).toEqual(wrappings);
      expect(result.text).toBe(packed.length < 2 ? packed.toString() : androidText);
      expect(result.cutOff).toBeUndefined();
    }
  });

  it("reads a zip at its place in the file where it can", async () => {
    const path = join(tmpdir(), `zip-test-${process.pid}.zip`);
    await writeFile(path, zipOf({ "trace.txt": androidText }));
    const file = await open(path);
    try {
      const result = await unwrap(file.createReadStream({ autoClose: false }), { file: path, regular: file });
      let text = "";
      for await (const piece of result.bytes) text += Buffer.from(piece).toString();
      expect(text).toBe(androidText);
      expect(result.totalBytes).toBe(androidText.length);
      await result.close();
    } finally {
      await file.close();
      await rm(path);
    }
  });

  it("leaves no spool behind", async () => {
    const before = await spoolsLeft();
    await unwrapped(zipOf({ "trace.txt": androidText }));
    await failure(zipOf({ a: "1", b: "2" }));
    expect(await spoolsLeft()).toEqual(before);
  });

  it("names the files of a zip with two", async () => {
    const error = await failure(zipOf({ "one.txt": "1", "two.txt": "2" }));
    expect(error.code).toBe("several-entries");
    expect(error.message).toContain("one.txt, two.txt");
  });

  it.each<[string, Buffer, string]>([
    ["a zip with nothing in it", zipOf({}), "empty"],
    ["a zip that is cut off", zipOf({ "trace.txt": androidText }).subarray(0, 100), "damaged-zip"],
    ["a zip whose checksum is wrong", zipOf({ "trace.txt": androidText }, true), "damaged-zip"],
    ["gz whose checksum is wrong", damaged(gzipSync(androidText), -6), "damaged-gz"],
    ["gz with a byte flipped", damaged(gzipSync(androidText), 40), "damaged-gz"],
    ["three wrappings", gzipSync(gzipSync(gzipSync(androidText))), "packed-too-often"],
    ["a Zstandard window of terabytes", Buffer.from("28b52ffd00ff000000", "hex"), "damaged-zst"],
    ["a Zstandard frame of terabytes", Buffer.from("28b52ffde0ffffffffffffff0f000000", "hex"), "damaged-zst"],
    ["a Zstandard block of a reserved type", Buffer.from("28b52ffd0050070000", "hex"), "damaged-zst"],
    ["rubbish behind Zstandard", Buffer.concat([androidZst, Buffer.from("rubbish")]), "damaged-zst"],
  ])("refuses %s", async (_, packed, code) => {
    expect((await failure(packed)).code).toBe(code);
  });

  it.each<[string, Buffer]>([
    ["gzip", gzipSync(androidText)],
    ["Zstandard", androidZst],
  ])("hands on all of a %s stream that is cut off, and says so", async (name, packed) => {
    for (const length of [packed.length - 1, packed.length - 9, packed.length >> 1]) {
      const result = await unwrapped(packed.subarray(0, length));
      expect(result.cutOff).toBe(name);
      expect(androidText.startsWith(result.text)).toBe(true);
    }
  });

  it("unpacks a gz bomb piece by piece", async () => {
    const bomb = gzipSync(Buffer.alloc(256 * 1024 * 1024));
    const result = await unwrap(stream(bomb, 64 * 1024), { file: "t" });
    let bytes = 0;
    let largest = 0;
    for await (const piece of result.bytes) {
      bytes += piece.length;
      largest = Math.max(largest, piece.length);
    }
    expect(bytes).toBe(256 * 1024 * 1024);
    expect(largest).toBeLessThanOrEqual(256 * 1024);
  });

  it("unpacks skippable and several Zstandard frames, and RLE blocks, one by one", async () => {
    const skippable = Buffer.from("502a4d1803000000616263", "hex");
    // Single segment, 131072 bytes, one RLE block of them.
    const zeros = Buffer.from("28b52ffda000000200030010" + "00", "hex");
    const pieces: number[] = [];
    for await (const piece of unzstd(stream(Buffer.concat([skippable, zeros, skippable, zeros]))))
      pieces.push(piece.length);
    expect(pieces).toEqual([131072, 131072]);
  });
});

function damaged(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  const index = at < 0 ? copy.length + at : at;
  copy[index] = (copy[index] ?? 0) ^ 0x10;
  return copy;
}
