import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TraceFormat } from "../../src/trace/event.js";
import { runTrace } from "../../src/trace/source.js";
import { zipOf } from "./packed.js";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "imports-test-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;
function fileOf(content: Uint8Array): string {
  // The name says nothing, or the wrong thing.
  const path = join(folder, `trace-${files++}.csv`);
  writeFileSync(path, content);
  return path;
}

const records = (
  rows: readonly (readonly [type: number, register: number, a: number, b: number])[],
): Buffer =>
  Buffer.concat(
    rows.map(([type, register, a, b]) => {
      const record = Buffer.alloc(24);
      record.writeBigUInt64LE((BigInt(register) << 8n) | BigInt(type), 0);
      record.writeBigUInt64LE(BigInt(a), 8);
      record.writeBigUInt64LE(BigInt(b), 16);
      return record;
    }),
  );

// Each: a block of 40 bytes that grows to 80, or is born again so large, and one of 7 that stays; one free of nothing known.
const traces: readonly (readonly [TraceFormat, Buffer])[] = [
  ["malloc-lab", Buffer.from("1\n2\n5\n1\na 0 40\na 1 7\nr 0 80\nf 0\nf 0\n")],
  [
    "mtrace",
    Buffer.from("= Start\n+ 0x10 0x28\n@ p:[0x1] + 0x20 0x7\n< 0x10\n> 0x30 0x50\n- 0x30\n- 0x30\n= End\n"),
  ],
  [
    "heaptrack",
    Buffer.from("v 10400 3\nI 1000 10\nt 4010 0\n+ 28 1 10\n+ 7 1 20\n- 10\nc 5\n+ 50 1 30\n- 30\n- 30\n"),
  ],
  [
    "heaptrack",
    Buffer.from(
      "v 10400 3\ns 4 main\ni 4010 0 1\nt 1 0\na 28 1\na 7 1\na 50 1\n+ 0\n+ 1\n- 0\n+ 2\n- 2\n- 2\n# strings: 0\n",
    ),
  ],
  [
    "logalloc",
    Buffer.from("1 1 malloc(40)=#1\n1 2 calloc(1,7)=#2\n1 1 realloc(#1,80)=#1\n1 1 free(#1)\n1 1 free(#1)\n"),
  ],
  [
    "trace-utils",
    // The second thread waits for the first.
    Buffer.from([
      ...[8, 9, 9, 3, 10, 2, 11, 11, 11, 26, 1],
      ...[2, 1, 40, 2, 2, 7, 4, 3, 1, 80, 5, 3, 6, 1, 1],
      ...[7, 1, 5, 3, 1],
    ]),
  ],
  [
    "gperftools",
    records([
      [5, 0, 3, 0],
      [0, 0, 40, 0],
      [0, 1, 7, 0],
      [4, 0, 2, 80],
      [1, 2, 0, 0],
      [1, 2, 0, 0],
    ]),
  ],
];

describe.each(traces)("a trace in the format %s", (format, content) => {
  it.each<[string, (plain: Buffer) => Buffer]>([
    ["plain", (plain) => plain],
    ["in gz", (plain) => gzipSync(plain)],
    ["in zip", (plain) => zipOf({ trace: plain })],
  ])("is recognised %s, and read", async (_, pack) => {
    const run = await runTrace(fileOf(pack(content)), { kind: "inspect" });
    expect(run.file.format).toBe(format);
    const analysis = run.analysis;
    if (!analysis) throw new Error("there is no analysis");
    expect(analysis.requestedBytes).toBe(127);
    expect(analysis.end).toMatchObject({ liveBlocks: 1, liveBytes: 7 });
    expect(run.report.repairs).toMatchObject([
      { category: "free-of-unknown-block", dropped: true, count: 1 },
    ]);
  });

  it("is read when --format names it, and refused when it names another", async () => {
    const path = fileOf(content);
    expect((await runTrace(path, { kind: "count" }, { format })).file.format).toBe(format);
    for (const [other] of traces) {
      if (other === format) continue;
      await expect(runTrace(path, { kind: "count" }, { format: other, strict: true })).rejects.toThrow(/./);
    }
  });
});
