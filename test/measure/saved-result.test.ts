import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { UserError } from "../../src/errors.js";
import { jsonFault, jsonOffset, lineAndColumn } from "../../src/measure/json-places.js";
import { parseSavedResult, readSavedResult } from "../../src/measure/saved-result.js";
import { root } from "../cli/tool.js";
import { measuredTrace, resultFile } from "./sample.js";

const oldest = join(root, "test/fixtures/results/schema-1.json");

const complaint = (text: string): string => {
  try {
    parseSavedResult(text, "r.json");
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return `${error.code}: ${error.place()}: ${error.message} | ${error.remedy}`;
  }
  return "";
};

describe("a saved result", () => {
  it("comes back as it was written, with the keys that nobody knows here", async () => {
    const file = resultFile([await measuredTrace("a")]);
    const later = { ...file, fromTheFuture: { x: 1 }, host: { ...file.host, disk: "fast" } };
    expect(parseSavedResult(JSON.stringify(later), "r.json")).toEqual(later);
  });

  it("may be from when every key that is optional today was not there", async () => {
    const { results, traces } = await readSavedResult(oldest, Readable.from([]));
    expect(traces).toHaveLength(1);
    expect(results.map(({ allocator }) => allocator)).toEqual(["malloc", "rustydb", "slab", "none"]);
    expect(results.some((result) => "warm" in result || "version" in result)).toBe(false);
  });

  it("may come by standard input, in pieces that cut a letter, and with a byte order mark", async () => {
    const bytes = Buffer.from(`\uFEFF${readFileSync(oldest, "utf8").replace("Example CPU", "Exämple CPU")}`);
    const at = bytes.indexOf(0xc3) + 1;
    const stdin = Readable.from([bytes.subarray(0, at), bytes.subarray(at)]);
    expect((await readSavedResult("-", stdin)).host.cpuModel).toBe("Exämple CPU");
  });

  it("of a newer schema is refused, with what was found, what is known and what to do", () => {
    expect(complaint('{\n  "schemaVersion": 2\n}')).toBe(
      "newer-result: r.json:2:20: schemaVersion: its schema has version 2, and this rustydb-mem knows up to 1 | " +
        "Install the rustydb-mem that wrote it, or a newer one.",
    );
  });

  it.each([
    ["", /^bad-result: r\.json: it is empty/],
    ["[]", /^bad-result: r\.json:1:1: .*no result/],
    ["{}", /^bad-result: r\.json:1:1: .*no schemaVersion/],
    ['{"schemaVersion": "1"}', /^bad-result: r\.json:1:19: schemaVersion: /],
    ['{"schemaVersion": 1,\n}', /^bad-json: r\.json:2:1: .*a key in double quotes/],
    ['{"schemaVersion": 1', /^bad-json: r\.json:1:20: .*it ends/],
  ])("that is %j names the place", (text, expected) => {
    expect(complaint(text)).toMatch(expected);
  });

  it("with a wrong or missing key names the key and where it stands", () => {
    const document = JSON.parse(readFileSync(oldest, "utf8"));
    document.results[1].memory.peakBytes = "much";
    const text = JSON.stringify(document, null, 1);
    const line = text.split("\n").findIndex((each) => each.includes('"much"')) + 1;
    expect(complaint(text)).toContain(
      `bad-result: r.json:${line}:18: results[1].memory.peakBytes: expected number, received string`,
    );
    delete document.results[1].memory.peakBytes;
    expect(complaint(JSON.stringify(document))).toContain("results[1].memory.peakBytes: this key is missing");
  });

  it.each([
    ["/nowhere/r.json", /no such file/],
    [root, /it is a folder/],
  ])("that cannot be read is an error: %s", async (path, expected) => {
    await expect(readSavedResult(path, Readable.from([]))).rejects.toThrow(expected);
  });
});

describe("places in JSON", () => {
  it.each(['{"a":[1,-2.5e+3,true,null,"\\u00e4\\n",{}]}', "[]", ' "x" ', "0", '{"\u007f":"😀"}'])(
    "there is no fault in %s",
    (text) => {
      expect(() => JSON.parse(text)).not.toThrow();
      expect(jsonFault(text)).toBeUndefined();
    },
  );

  it.each([
    ["{'a':1}", 1],
    ['{"a" 1}', 5],
    ["[1 2]", 3],
    ["[1,]", 3],
    ["01", 1],
    ["[1]]", 3],
    ['{"a":1]', 6],
    ['["a\nb"]', 1],
    ["nul", 0],
    ["", 0],
  ])("the fault of %j is at %d", (text, offset) => {
    expect(() => JSON.parse(text)).toThrow();
    expect(jsonFault(text)?.offset).toBe(offset);
  });

  it("find a value by its path, the last of a key that is there twice, and the nearest of one that is not", () => {
    const text = '{"a": 1, "b": [10, {"c\\n": "}"}, 30],\n "a": 2}';
    expect(text.slice(jsonOffset(text, ["b", 1, "c\n"]))).toMatch(/^"}"}, 30/);
    expect(text.slice(jsonOffset(text, ["b", 2]))).toMatch(/^30/);
    expect(text.slice(jsonOffset(text, ["a"]))).toBe("2}");
    expect(text.slice(jsonOffset(text, ["b", 9, "x"]))).toMatch(/^\[10/);
    expect(lineAndColumn(text, jsonOffset(text, ["a"]))).toEqual({ line: 2, column: 7 });
  });
});
