import { execFileSync, spawnSync } from "node:child_process";
import { accessSync, chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { describe, expect, it } from "vitest";
import { writeSmallTrace } from "./small-trace.js";
import { bin, built, type Outcome, root, runTool, Scratch } from "./tool.js";

/** What a person must be told in any case: the file, in words, without a stack, with nothing left behind. */
function expectKindRefusal(scratch: Scratch, outcome: Outcome, named: string, ...said: RegExp[]): void {
  expect(outcome.stderr).toContain(named);
  for (const words of said) expect(outcome.stderr).toMatch(words);
  expect(outcome.stderr).not.toMatch(/^ {4}at /m);
  expect(outcome.stdout).toBe("");
  expect(outcome.code).toBe(1);
  expect(scratch.leftBehind()).toEqual([]);
}

async function packedTrace(scratch: Scratch): Promise<Buffer> {
  const [csv, rmt] = [scratch.file("small.csv"), scratch.file("whole.rmt")];
  writeSmallTrace(csv, 3);
  expect((await runTool(["convert", csv, rmt])).code).toBe(0);
  return readFileSync(rmt);
}

/** A zip with stored entries. */
function zip(entries: Record<string, string>): Buffer {
  const locals: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const [name, text] of Object.entries(entries)) {
    const data = Buffer.from(text);
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(20, 4);
    local.writeUInt32LE(crc32(data), 14);
    local.writeUInt32LE(data.length, 18);
    local.writeUInt32LE(data.length, 22);
    local.writeUInt16LE(name.length, 26);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(20, 4);
    local.copy(entry, 6, 4, 28);
    entry.writeUInt32LE(offset, 42);
    locals.push(local, Buffer.from(name), data);
    central.push(entry, Buffer.from(name));
    offset += local.length + name.length + data.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(Object.keys(entries).length, 8);
  end.writeUInt16LE(Object.keys(entries).length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, directory, end]);
}

const android = "1: malloc 0x1000 64\n1: free 0x1000\n";

describe.each(["inspect", "replay"])("%s refuses", (command) => {
  const run = (scratch: Scratch, path: string): Promise<Outcome> => runTool([command, path], { scratch });

  it("a file that is not there", async () => {
    const scratch = new Scratch();
    const path = scratch.file("nowhere.rmt");
    expectKindRefusal(scratch, await run(scratch, path), path, /there is no such file/);
  });

  it.each<[string, string | Buffer, RegExp]>([
    ["an empty file", "", /empty/],
    ["text that is no trace", "Dear diary,\ntoday I allocated a lot.\n", /not a trace|no trace|format/],
    [
      "bytes that are no trace",
      Buffer.from(Array.from({ length: 4096 }, (_, i) => (i * 37) % 256)),
      /trace|format/,
    ],
    [
      "a block of 2^63 bytes",
      "1: malloc 0x1000 9223372036854775808\n",
      /line 1[\s\S]*9223372036854775808|size[\s\S]*line 1/,
    ],
    [
      "a zip with two entries",
      zip({ "a.txt": android, "b.txt": android }),
      /more than one file in it: a\.txt, b\.txt/,
    ],
    ["a zip with none", zip({}), /no file in it/],
  ])("%s", async (name, content, said) => {
    const scratch = new Scratch();
    const path = scratch.file(`${name.replaceAll(/\W/g, "-")}.bin`);
    writeFileSync(path, content);
    expectKindRefusal(scratch, await run(scratch, path), path, said);
  });

  it("a directory", async () => {
    const scratch = new Scratch();
    const path = scratch.file("folder");
    mkdirSync(path);
    expectKindRefusal(scratch, await run(scratch, path), path, /is a folder/);
  });

  it("a file without permission", async (context) => {
    const scratch = new Scratch();
    const path = scratch.file("secret.rmt");
    writeFileSync(path, "secret");
    chmodSync(path, 0);
    const asNobody =
      process.getuid?.() === 0 ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] : [];
    if (asNobody.length > 0) {
      execFileSync("chmod", ["755", scratch.path]);
      execFileSync("chmod", ["777", scratch.temporary]);
      const [program = "", ...words] = [...asNobody, "test", "-r", bin];
      if (spawnSync(program, words).status !== 0) context.skip("nobody can't read this folder");
    }
    const outcome = await runTool([command, path], {
      scratch,
      command: [...asNobody, process.execPath, bin],
    });
    expectKindRefusal(scratch, outcome, path, /you may not read this file/);
  });

  it("a .rmt that was cut inside its header", async () => {
    const scratch = new Scratch();
    const whole = await packedTrace(scratch);
    const path = scratch.file("cut.rmt");
    for (const length of [1, 7, 20, 30]) {
      writeFileSync(path, whole.subarray(0, length));
      expectKindRefusal(scratch, await run(scratch, path), path, /trace|header|cut|truncated|ends/i);
    }
  });

  it("a .rmt with a changed byte, saying where", async () => {
    const scratch = new Scratch();
    const whole = await packedTrace(scratch);
    const path = scratch.file("changed.rmt");
    for (const at of [0, 9, 30, Math.floor(whole.length / 2), whole.length - 1]) {
      const changed = Buffer.from(whole);
      changed.writeUInt8(changed.readUInt8(at) ^ 0x10, at);
      writeFileSync(path, changed);
      expectKindRefusal(scratch, await run(scratch, path), path, at < 8 ? /trace|format/ : /byte \d+/);
    }
  });
});

describe("a gzip that breaks off", () => {
  it("around text is refused: the text could end in the middle of a number", async () => {
    const scratch = new Scratch();
    const path = scratch.file("cut.txt.gz");
    const packed = execFileSync("gzip", ["-c"], { input: android.repeat(50_000) });
    writeFileSync(path, packed.subarray(0, packed.length - 100));
    expectKindRefusal(scratch, await runTool(["inspect", path], { scratch }), path, /cut off/);
  });

  it("around a .rmt is read up to there with a warning, and is an error under --strict", async () => {
    const scratch = new Scratch();
    const path = scratch.file("cut.rmt.gz");
    const packed = readFileSync(join(root, "workloads/recorded/sqlite-tpcc.rmt.gz"));
    writeFileSync(path, packed.subarray(0, packed.length / 2));
    const lenient = await runTool(["inspect", path], { scratch });
    expect(lenient.code).toBe(0);
    expect(lenient.stdout).toMatch(/gzip stream is cut off/);
    const strict = await runTool(["inspect", path, "--strict"], { scratch });
    expectKindRefusal(scratch, strict, path, /cut off/);
  });
});

describe("a .rmt that was cut between its blocks", () => {
  it("is read up to there with a warning, and is an error under --strict", async () => {
    const scratch = new Scratch();
    const whole = await packedTrace(scratch);
    const path = scratch.file("cut.rmt");
    writeFileSync(path, whole.subarray(0, whole.length - 60));
    const lenient = await runTool(["inspect", path, "--json"], { scratch });
    expect(lenient.code).toBe(0);
    expect(`${lenient.stdout}${lenient.stderr}`).toMatch(/cut|truncated|breaks off/i);
    const strict = await runTool(["inspect", path, "--strict"], { scratch });
    expectKindRefusal(scratch, strict, path, /cut|truncated|breaks off/i);
  });
});

describe("replay refuses", () => {
  it.each<[string, (scratch: Scratch) => string, RegExp]>([
    [
      "a peer that is not there",
      (scratch) => scratch.file("none.so"),
      /does not exist|no such file|not found/i,
    ],
    [
      "a peer that is no library",
      (scratch) => {
        writeFileSync(scratch.file("text.so"), "not a library");
        return scratch.file("text.so");
      },
      /no (shared )?library|not a (shared )?library|ELF/,
    ],
    ["a peer without a malloc", () => built("rustydb-mem-replay"), /malloc|library/],
  ])("%s", async (_, library, said) => {
    const scratch = new Scratch();
    writeSmallTrace(scratch.file("small.csv"), 5);
    const path = library(scratch);
    const outcome = await runTool(["replay", scratch.file("small.csv"), "-a", `peer=${path}`], { scratch });
    expectKindRefusal(scratch, outcome, path, said);
  });

  it("a plan that the disk has no room for", async (context) => {
    const scratch = new Scratch();
    writeSmallTrace(scratch.file("small.csv"), 2000);
    const mounted =
      spawnSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", scratch.temporary]).status === 0;
    if (!mounted) context.skip("only root may mount a small disk");
    try {
      const outcome = await runTool(["replay", scratch.file("small.csv"), "-a", "malloc"], { scratch });
      expectKindRefusal(scratch, outcome, scratch.temporary, /no space|disk.* full|full.* disk/i, /TMPDIR/);
    } finally {
      execFileSync("umount", [scratch.temporary]);
    }
  });
});

describe("convert refuses", () => {
  it("to write over a file that is there, unless told to", async () => {
    const scratch = new Scratch();
    const [from, to] = [scratch.file("small.csv"), scratch.file("there.rmt")];
    writeSmallTrace(from, 3);
    writeFileSync(to, "precious");
    const outcome = await runTool(["convert", from, to], { scratch });
    expectKindRefusal(scratch, outcome, to, /exists|already/);
    expect(readFileSync(to, "utf8")).toBe("precious");
  });

  it("a folder that is not there, and leaves no half file", async () => {
    const scratch = new Scratch();
    const from = scratch.file("small.csv");
    writeSmallTrace(from, 3);
    const to = join(scratch.path, "no", "out.rmt");
    expectKindRefusal(scratch, await runTool(["convert", from, to], { scratch }), to, /there is no folder/);
    expect(() => accessSync(to)).toThrow();
  });
});
