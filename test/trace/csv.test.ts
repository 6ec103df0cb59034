import { describe, expect, it } from "vitest";
import { TraceError } from "../../src/errors.js";
import { splitCsv } from "../../src/trace/csv.js";

async function* pieces(text: string): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += 5) yield bytes.subarray(at, at + 5);
}

async function rows(text: string): Promise<string[][]> {
  let joined = "";
  for await (const piece of splitCsv(pieces(text), "t.csv")) joined += Buffer.from(piece).toString();
  if (joined === "") return [];
  expect(joined.endsWith("\x1e")).toBe(true);
  return joined
    .slice(0, -1)
    .split("\x1e")
    .map((row) => row.split("\x1f"));
}

describe("splitting CSV", () => {
  it("takes quotes, commas in them, CRLF, a byte order mark and empty lines", async () => {
    expect(await rows('\ufeffevent,kind\r\nalloc,"a, ""b"""\r\n\r\nfree,\r\n')).toEqual([
      ["event", "kind"],
      ["alloc", 'a, "b"'],
      ["free", ""],
    ]);
  });

  it("keeps a last row without a line end, and text beyond ASCII", async () => {
    expect(await rows("event\nmärk\nb")).toEqual([["event"], ["märk"], ["b"]]);
  });

  it.each<[string, string, RegExp, object]>([
    ["a row of another length", "a,b\n1,2\n1,2,3\n", /another number of fields/, { line: 3 }],
    ["a quote that is never closed", 'a,b\n1,"2\n3,4\n', /never closed/, {}],
    ["a quote that swallows the file", `a,b\n1,"2\n${"3,4\n".repeat(40_000)}`, /64 KiB/, {}],
    ["a field with a separator of ours", "a,b\n1,x\x1fy\n", /control character 0x1f/, { byteOffset: 7 }],
    ["a field with the other one", "a,b\n1,x\x1e\n", /control character 0x1e/, { byteOffset: 7 }],
  ])("refuses %s", async (_, text, message, place) => {
    const error = await rows(text).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(TraceError);
    expect(error).toMatchObject({ code: "bad-csv", file: "t.csv", ...place });
    expect((error as TraceError).message).toMatch(message);
  });
});
