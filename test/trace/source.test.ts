import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Interrupted, TraceError, UserError } from "../../src/errors.js";
import type { TraceAnalysis } from "../../src/native.js";
import type { TraceRun } from "../../src/trace/event.js";
import { type RunOptions, runTrace } from "../../src/trace/source.js";
import { androidText, androidZst, zipOf } from "./packed.js";
import { sharedTrace, sharedTraces } from "./shared-data.js";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "source-test-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;
function fileOf(content: string | Uint8Array, name = "trace"): string {
  files += 1;
  const path = join(folder, `${files}-${name}`);
  writeFileSync(path, content);
  return path;
}

/** What the trace becomes as a file of the format, and the run. */
async function written(path: string, kind: "rmt" | "csv", options: RunOptions = {}): Promise<Buffer> {
  const pieces: Buffer[] = [];
  await runTrace(path, { kind }, { ...options, onOutput: (bytes) => void pieces.push(bytes) });
  return Buffer.concat(pieces);
}

async function inspected(
  path: string,
  options: RunOptions = {},
): Promise<TraceRun & { analysis: TraceAnalysis }> {
  const run = await runTrace(path, { kind: "inspect" }, options);
  if (run.analysis === null) throw new Error("no analysis");
  return { ...run, analysis: run.analysis };
}

async function failure(promise: Promise<unknown>): Promise<UserError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(UserError);
  return error as UserError;
}

const spoolsLeft = (): string[] =>
  readdirSync(tmpdir()).filter((name) => /^rustydb-mem-[0-9a-f-]{36}$/.test(name));

describe("a trace from a file", () => {
  it.each<[string, string | Buffer, string[]]>([
    ["plain", androidText, []],
    ["in gz", gzipSync(androidText), ["gz"]],
    ["in zip", zipOf({ "trace.txt": androidText }), ["zip"]],
    ["in zst", androidZst, ["zst"]],
    ["in gz in zip", zipOf({ "trace.gz": gzipSync(androidText) }), ["zip", "gz"]],
  ])("is recognised %s", async (_, content, wrappings) => {
    const path = fileOf(content);
    const run = await inspected(path);
    expect(run.file).toMatchObject({
      path,
      format: "android",
      profile: null,
      wrappings,
      bytes: content.length,
    });
    expect(run.file.sha256).toBe(createHash("sha256").update(content).digest("hex"));
    expect(run.analysis.eventsByType).toMatchObject({ alloc: 51, free: 1 });
    expect(run.analysis.end.liveBlocks).toBe(50);
    expect(run.report.linesRead).toBe(52);
    expect(run.report.repairs).toEqual([]);
  });

  it("is the same after .rmt and CSV", async () => {
    const first = await inspected(fileOf(androidText));
    const rmt = fileOf(await written(fileOf(androidText), "rmt"));
    const csv = fileOf(await written(rmt, "csv"));
    const back = fileOf(await written(csv, "rmt"));
    for (const path of [rmt, csv, back]) {
      const run = await inspected(path);
      expect(run.analysis).toEqual(first.analysis);
      expect(run.report.repairs).toEqual([]);
    }
    expect((await inspected(rmt)).file).toMatchObject({ format: "rmt", profile: "canonical" });
    expect((await inspected(csv)).file).toMatchObject({ format: "csv", profile: null });
  });

  it("reports how far it is", async () => {
    const text = "8: malloc 0x9000 8\n8: free 0x9000\n".repeat(200_000);
    const seen: number[] = [];
    await runTrace(
      fileOf(text),
      { kind: "count" },
      {
        onProgress: ({ doneBytes, totalBytes }) => {
          expect(totalBytes).toBe(text.length);
          seen.push(doneBytes);
        },
      },
    );
    expect(seen.length).toBeGreaterThan(3);
    expect(seen.at(-1)).toBe(text.length);
    expect([...seen].sort((a, b) => a - b)).toEqual(seen);
  });

  it("stops at a signal, and says that it was interrupted", async () => {
    const text = "8: malloc 0x9000 8\n8: free 0x9000\n".repeat(500_000);
    const abort = new AbortController();
    const onProgress = (): void => abort.abort();
    const run = runTrace(fileOf(text), { kind: "inspect" }, { signal: abort.signal, onProgress });
    expect(await failure(run)).toBeInstanceOf(Interrupted);
    expect(await failure(runTrace(fileOf(text), { kind: "count" }, { signal: abort.signal }))).toBeInstanceOf(
      Interrupted,
    );
  });

  it("waits for who takes the output", async () => {
    const text = "8: malloc 0x9000 8\n8: free 0x9000\n".repeat(300_000);
    let busy = false;
    await runTrace(
      fileOf(text),
      { kind: "csv" },
      {
        onOutput: async () => {
          expect(busy).toBe(false);
          busy = true;
          await new Promise((resolve) => setTimeout(resolve, 1));
          busy = false;
        },
      },
    );
  });

  it("counts and shows what had to be mended", async () => {
    const text = "1: free 0x10\n1: malloc 0x20 8\n1: malloc 0x20 16\n1: free 0x10\n";
    const { report, analysis } = await inspected(fileOf(text));
    expect(report.dropped).toBe(2);
    expect(report.repaired).toBe(1);
    expect(report.repairs).toContainEqual({
      category: "free-of-unknown-block",
      dropped: true,
      count: 2,
      firstPositions: [1, 4],
    });
    expect(report.repairs).toContainEqual({
      category: "block-born-twice",
      dropped: false,
      count: 1,
      firstPositions: [3],
    });
    expect(analysis.end.liveBytes).toBe(16);
  });
});

describe("what is no trace", () => {
  it.each<[string, () => string, string, RegExp]>([
    ["a file that is not there", () => join(folder, "nowhere"), "file-not-found", /no such file/],
    ["a path through a file", () => join(fileOf("x"), "y"), "file-not-found", /no folder/],
    ["a folder", () => folder, "is-a-directory", /folder/],
    ["an empty file", () => fileOf(""), "empty", /empty/],
    ["a packed empty file", () => fileOf(gzipSync("")), "empty", /empty/],
    ["a letter", () => fileOf("Dear Sir,\n"), "not-a-trace", /text that starts with "Dear Sir,"/],
    ["a picture", () => fileOf(Buffer.from("\x89PNG\r\n\x1a\n0000", "latin1")), "not-a-trace", /PNG/],
    [
      "a zip with two files",
      () => fileOf(zipOf({ "a.txt": "1", "b.txt": "2" })),
      "several-entries",
      /a\.txt, b\.txt/,
    ],
    [
      "a text trace in a gz that is cut off",
      () => fileOf(gzipSync(androidText).subarray(0, 100)),
      "truncated",
      /cut off/,
    ],
    [
      "a size of 2^63",
      () => fileOf("1: malloc 0x10 9223372036854775808\n"),
      "bad-size",
      /9223372036854775808/,
    ],
  ])("is refused: %s", async (_, make, code, message) => {
    const path = make();
    const error = await failure(runTrace(path, { kind: "inspect" }));
    expect(error).toBeInstanceOf(TraceError);
    expect(error).toMatchObject({ code, file: path });
    expect(error.message).toMatch(message);
  });

  it("names the formats that are", async () => {
    const error = await failure(runTrace(fileOf("Dear Sir,\n"), { kind: "count" }));
    expect(error.remedy).toMatch(/rmt.*android.*malloc-bench.*csv/);
  });

  it("is named with the line of the text", async () => {
    const error = await failure(runTrace(fileOf("1: malloc 0x10 8\n1: malloc zebra 8\n"), { kind: "count" }));
    expect(error).toMatchObject({ line: 2 });
  });

  it("is another format than --format says", async () => {
    const error = await failure(runTrace(fileOf(androidText), { kind: "count" }, { format: "rmt" }));
    expect(error).toBeInstanceOf(TraceError);
  });

  it("is a file that may not be read", () => {
    const path = fileOf(androidText);
    chmodSync(path, 0);
    chmodSync(folder, 0o755);
    // Root may read everything: then somebody else has to try.
    const other = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
    const source = pathToFileURL(fileURLToPath(new URL("../../src/trace/source.ts", import.meta.url))).href;
    const program =
      `import(${JSON.stringify(source)}).then(({ runTrace }) => runTrace(process.argv[1], { kind: "count" }))` +
      `.catch((error) => console.log(error.code, error.remedy));`;
    const tsx = fileURLToPath(import.meta.resolve("tsx"));
    const { stdout, stderr } = spawnSync(process.execPath, ["--import", tsx, "--eval", program, path], {
      ...other,
      encoding: "utf8",
      cwd: "/",
    });
    expect(stdout, stderr).toMatch(/^no-permission .*ls -l/);
  });
});

describe("an .rmt that was harmed", () => {
  let whole: Buffer;
  beforeAll(async () => {
    whole = await written(fileOf(androidText), "rmt");
  });

  it("cut anywhere, is read up to there with a warning, or refused", async () => {
    let warned = 0;
    for (let length = 0; length < whole.length; length += 1) {
      const path = fileOf(whole.subarray(0, length));
      const run = await runTrace(path, { kind: "inspect" }).catch((error: unknown) => error);
      if (run instanceof Error) expect(run).toBeInstanceOf(TraceError);
      else {
        expect((run as TraceRun).report.warnings.join()).toMatch(/cut|end/);
        warned += 1;
      }
      expect(await failure(runTrace(path, { kind: "inspect" }, { strict: true }))).toBeInstanceOf(TraceError);
      rmSync(path);
    }
    expect(warned).toBeGreaterThan(0);
  });

  it("with any byte flipped, is refused", async () => {
    for (let at = 0; at < whole.length; at += 1) {
      const harmed = Buffer.from(whole);
      harmed[at] = (harmed[at] ?? 0) ^ (1 << (at % 8));
      const path = fileOf(harmed);
      const error = await failure(runTrace(path, { kind: "inspect" }));
      expect(error, `byte ${at}`).toBeInstanceOf(TraceError);
      rmSync(path);
    }
  });

  it("and cut in its gz, is read as far as it goes", async () => {
    const packed = gzipSync(whole);
    const path = fileOf(packed.subarray(0, packed.length - 4));
    expect((await inspected(path)).report.warnings[0]).toMatch(/gzip stream is cut off/);
    expect(await failure(runTrace(path, { kind: "count" }, { strict: true }))).toMatchObject({
      code: "truncated",
    });
  });
});

describe.skipIf(!sharedTraces)("real traces", () => {
  it("reads Android's System UI: 393 threads, hardly anything dropped", async () => {
    const { analysis, report, file } = await inspected(sharedTrace("android-systemui.zip"));
    expect(file).toMatchObject({ format: "android", wrappings: ["zip"], bytes: 1_879_288 });
    expect(report.linesRead).toBe(786_454);
    expect(report.dropped).toBeLessThanOrEqual(786);
    expect(analysis.threads.length).toBe(393);
    const { free, realloc } = analysis.eventsByType;
    const cross = (analysis.crossThreadFrees + analysis.reallocs.crossThread) / (free + realloc);
    expect(cross).toBeGreaterThan(0.08);
    expect(cross).toBeLessThan(0.12);
  });

  it.each([
    "android-test.zip",
    ...["server", "grep", "simple", "simple_calloc", "simple_realloc"].map(
      (name) => `malloc-bench-${name}.trace.gz`,
    ),
  ])("reads %s, and the same from .rmt and CSV", async (name) => {
    const first = await inspected(sharedTrace(name));
    expect(first.file.format).toBe(name.startsWith("android") ? "android" : "malloc-bench");
    const rmt = fileOf(await written(sharedTrace(name), "rmt"));
    const csv = fileOf(await written(rmt, "csv"));
    expect((await inspected(rmt)).analysis).toEqual(first.analysis);
    expect((await inspected(csv)).analysis).toEqual(first.analysis);
  });
});

it("leaves no spool behind", () => {
  expect(spoolsLeft()).toEqual([]);
});
