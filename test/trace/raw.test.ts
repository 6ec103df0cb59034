import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Interrupted, TraceError } from "../../src/errors.js";
import { packageRoot } from "../../src/native.js";
import type { TraceRun } from "../../src/trace/event.js";
import { type RunOptions, runTrace } from "../../src/trace/source.js";
import { zipOf } from "./packed.js";

const built = process.env.RUSTYDB_MEM_NATIVE
  ? dirname(process.env.RUSTYDB_MEM_NATIVE)
  : join(packageRoot, "build", "Release");

let folder: string;
let raw: string;
let bytes: Buffer;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "raw-test-"));
  raw = join(folder, "raw.rmt");
  // Node itself: a real program with several threads.
  const { status, stderr } = spawnSync(process.execPath, ["--eval", "JSON.stringify(process.versions)"], {
    env: {
      PATH: process.env.PATH,
      LD_PRELOAD: join(built, "librustydb_mem_record.so"),
      RUSTYDB_MEM_RECORD: raw,
    },
    encoding: "utf8",
  });
  expect(status, stderr).toBe(0);
  bytes = readFileSync(raw);
});
afterAll(() => rmSync(folder, { recursive: true }));

function fileOf(content: Uint8Array, name: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const inspected = (path: string, options: RunOptions = {}): Promise<TraceRun> =>
  runTrace(path, { kind: "inspect" }, options);

const failure = (run: Promise<unknown>): Promise<unknown> =>
  run.then(
    () => undefined,
    (error: unknown) => error,
  );

describe("a raw recording", () => {
  it("is resolved to one order, wherever it lies", async () => {
    const plain = await inspected(raw);
    expect(plain.file).toMatchObject({ format: "rmt", profile: "raw", wrappings: [], bytes: bytes.length });
    expect(plain.analysis?.threads.length).toBeGreaterThan(1);
    expect(plain.analysis?.events).toBeGreaterThan(1000);
    for (const path of [fileOf(gzipSync(bytes), "raw.gz"), fileOf(zipOf({ "raw.rmt": bytes }), "raw.zip")]) {
      const packed = await inspected(path);
      expect(packed.file).toMatchObject({ profile: "raw" });
      expect(packed.analysis).toEqual(plain.analysis);
    }
    expect(readdirSync(tmpdir()).filter((name) => /^rustydb-mem-[0-9a-f-]{36}$/.test(name))).toEqual([]);
  });

  it("becomes a canonical one with the same in it", async () => {
    const plain = await inspected(raw);
    const pieces: Buffer[] = [];
    await runTrace(raw, { kind: "rmt" }, { onOutput: (piece) => void pieces.push(piece) });
    const canonical = await inspected(fileOf(Buffer.concat(pieces), "canonical.rmt"));
    expect(canonical.file).toMatchObject({ profile: "canonical" });
    expect(canonical.analysis).toEqual(plain.analysis);
    expect(Buffer.concat(pieces).length).toBeLessThan(bytes.length);
  });

  it("is left when the filters have enough", async () => {
    const run = await inspected(raw, { filters: { head: 10 } });
    expect(run.resultEvents).toBe(10);
    expect(run.analysis?.events).toBe(10);
  });

  it("stops at a signal", async () => {
    const abort = new AbortController();
    abort.abort();
    expect(await failure(inspected(raw, { signal: abort.signal }))).toBeInstanceOf(Interrupted);
    const later = new AbortController();
    const run = inspected(raw, { signal: later.signal });
    setImmediate(() => later.abort());
    expect(await failure(run)).toBeInstanceOf(Interrupted);
  });

  it("says where it is damaged", async () => {
    const harmed = Buffer.from(bytes);
    const at = bytes.length >> 1;
    harmed[at] = (harmed[at] ?? 0) ^ 1;
    const path = fileOf(harmed, "harmed.rmt");
    const error = await failure(inspected(path));
    expect(error).toBeInstanceOf(TraceError);
    expect((error as TraceError).byteOffset).toBeLessThanOrEqual(at);
    const { report } = await inspected(path, { skipDamaged: true });
    expect(report.dropped + report.warnings.length).toBeGreaterThan(0);
  });

  it("cut off is read with a warning, and refused when strict", async () => {
    const path = fileOf(bytes.subarray(0, bytes.length - (bytes.length >> 2)), "cut.rmt");
    expect((await inspected(path)).report.warnings.join()).toMatch(/cut/);
    expect(await failure(inspected(path, { strict: true }))).toBeInstanceOf(TraceError);
  });
});
