import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { gunzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { UserError } from "../../src/errors.js";
import { outputFormatOf, TraceOutput } from "../../src/trace/output.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "output-test-"));
});
afterEach(() => rm(folder, { recursive: true }));

const rmt = { format: "rmt", force: false } as const;

async function failure(promise: Promise<unknown>): Promise<UserError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(UserError);
  return error as UserError;
}

describe("the output of a conversion", () => {
  it("is chosen by the end of the name", () => {
    expect(outputFormatOf("a.rmt")).toBe("rmt");
    expect(outputFormatOf("a.rmt.gz")).toBe("rmt.gz");
    expect(outputFormatOf("dir.rmt/A.CSV.GZ")).toBe("csv.gz");
    expect(() => outputFormatOf("a.txt")).toThrow(UserError);
    expect(() => outputFormatOf("a.gz")).toThrow(/does not say/);
  });

  it("has its name only when it is complete", async () => {
    const path = join(folder, "a.rmt");
    const output = await TraceOutput.open(path, rmt);
    await output.write(Buffer.from("ab"));
    expect(await readdir(folder)).not.toContain("a.rmt");
    await output.write(Buffer.from("c"));
    await output.commit();
    await output.discard();
    expect(await readdir(folder)).toEqual(["a.rmt"]);
    expect(await readFile(path, "utf8")).toBe("abc");
    expect(output.writtenBytes).toBe(3);
  });

  it("leaves nothing behind when it is given up", async () => {
    const output = await TraceOutput.open(join(folder, "a.rmt.gz"), { ...rmt, format: "rmt.gz" });
    await output.write(Buffer.from("ab"));
    await output.discard();
    await output.discard();
    expect(await readdir(folder)).toEqual([]);
  });

  it("packs", async () => {
    const path = join(folder, "a.rmt.gz");
    const output = await TraceOutput.open(path, { format: "rmt.gz", force: false, gzipLevel: 9 });
    for (let at = 0; at < 100; at += 1) await output.write(Buffer.alloc(100_000, at));
    await output.commit();
    const packed = await readFile(path);
    expect(output.writtenBytes).toBe(packed.length);
    expect(gunzipSync(packed).length).toBe(10_000_000);
  });

  it("does not replace a file unasked", async () => {
    const path = join(folder, "a.rmt");
    await writeFile(path, "old");
    expect(await failure(TraceOutput.open(path, rmt))).toMatchObject({
      code: "file-exists",
      remedy: /--force/,
    });
    const output = await TraceOutput.open(path, { ...rmt, force: true });
    await output.write(Buffer.from("new"));
    expect(await readFile(path, "utf8")).toBe("old");
    await output.commit();
    expect(await readFile(path, "utf8")).toBe("new");
  });

  it("goes to a stream, at its speed", async () => {
    const stream = new PassThrough({ highWaterMark: 10 });
    const output = await TraceOutput.open(stream, rmt);
    let waiting = true;
    const writing = output.write(Buffer.alloc(100)).then(() => {
      waiting = false;
    });
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(waiting).toBe(true);
    stream.resume();
    await writing;
    await output.commit();
    expect(output.writtenBytes).toBe(100);
  });

  it("goes to what is no regular file as it is", async () => {
    const output = await TraceOutput.open("/dev/null", rmt);
    await output.write(Buffer.alloc(100));
    await output.commit();
    expect(output.writtenBytes).toBe(100);
  });

  it("says what is wrong with the place", async () => {
    await mkdir(join(folder, "d.rmt"));
    expect((await failure(TraceOutput.open(join(folder, "d.rmt"), rmt))).code).toBe("is-a-directory");
    expect((await failure(TraceOutput.open(join(folder, "no", "a.rmt"), rmt))).code).toBe("file-not-found");
    const full = await TraceOutput.open("/dev/full", rmt);
    expect(await failure(full.write(Buffer.alloc(10)))).toMatchObject({ code: "disk-full", remedy: /room/ });
    await full.discard();
  });

  it.skipIf(process.getuid?.() === 0)("says when the folder may not be written", async () => {
    await chmod(folder, 0o500);
    expect((await failure(TraceOutput.open(join(folder, "a.rmt"), rmt))).code).toBe("no-permission");
    await chmod(folder, 0o700);
  });
});
