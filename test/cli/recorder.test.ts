import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { built, root, runTool, Scratch } from "./tool.js";

const threads = 4;
const handed = 100;

interface Row {
  readonly [column: string]: string;
}

/** Compiles the fixture, runs it under the recorder, and gives back its exit code and the path of the recording. */
function record(scratch: Scratch, how: string, to = scratch.file("raw.rmt")) {
  const program = scratch.file("program");
  execFileSync("c++", [
    "-x",
    "c",
    "-O1",
    "-pthread",
    join(root, "test/fixtures/recorded_program.c"),
    "-o",
    program,
  ]);
  const { status, signal, stderr } = spawnSync(program, [how], {
    env: { ...process.env, LD_PRELOAD: built("librustydb_mem_record.so"), RUSTYDB_MEM_RECORD: to },
    encoding: "utf8",
  });
  return { status, signal, stderr, raw: to };
}

async function rowsOf(scratch: Scratch, raw: string): Promise<Row[]> {
  const csv = scratch.file("resolved.csv");
  const { code, stderr } = await runTool(["convert", raw, csv]);
  expect(stderr).not.toMatch(/error/i);
  expect(code).toBe(0);
  const [header = "", ...lines] = readFileSync(csv, "utf8").trimEnd().split("\n");
  const columns = header.split(",");
  return lines.map((line) => {
    const fields = line.split(",");
    return Object.fromEntries(columns.map((column, index) => [column, fields[index] ?? ""]));
  });
}

describe("the recorder", () => {
  it("writes what the program did, from every thread, and nothing that it did not", async () => {
    const scratch = new Scratch();
    const { status, stderr, raw } = record(scratch, "exit");
    expect(stderr).toBe("");
    expect(status).toBe(0);
    const rows = await rowsOf(scratch, raw);
    const births = (size: number): Row[] =>
      rows.filter((row) => (row.event === "alloc" || row.event === "realloc") && row.size === String(size));
    const count = (event: string): number => rows.filter((row) => row.event === event).length;
    const dead = new Set(
      rows.filter(({ event }) => event === "free" || event === "realloc").map(({ id }) => id),
    );
    const dies = (birth: Row): boolean => dead.has(birth.event === "realloc" ? birth.new_id : birth.id);

    expect(births(10007)).toHaveLength(1);
    expect(births(30027)).toMatchObject([{ event: "alloc", zeroed: "1" }]);
    expect(births(10037)).toMatchObject([{ event: "realloc" }]);
    expect(births(10039)).toMatchObject([{ align: "256" }]);
    expect(births(8192)).toMatchObject([{ align: "4096" }]);
    expect(births(10061)).toMatchObject([{ align: "64" }]);
    expect(births(20134)).toHaveLength(1);
    for (const size of [10007, 30027, 10037, 10039, 8192, 10061, 20134]) {
      expect(births(size).every(dies), `a block of ${size} is freed`).toBe(true);
    }
    // A failed malloc is no event, neither is what a child does.
    expect(births(2 ** 62)).toEqual([]);
    expect(births(50021)).toEqual([]);
    expect(births(60013).map(dies)).toEqual([false]);

    expect(births(600)).toHaveLength(threads * 20_000);
    expect(births(20011)).toHaveLength(threads * handed);
    expect(births(20011).every(dies)).toBe(true);
    expect(new Set(births(20011).map((row) => row.thread)).size).toBe(threads);
    // Freed by the destructor of a key, as a thread ends.
    expect(births(30011).map(dies)).toEqual(Array(threads).fill(true));
    expect(births(40009)).toHaveLength(50);
    expect(count("thread_end")).toBe(threads + 50);
  });

  it("has nothing to repair", async () => {
    const scratch = new Scratch();
    const { raw } = record(scratch, "abandon");
    const { code, stdout } = await runTool(["inspect", raw, "--json"]);
    expect(code).toBe(0);
    const { report } = JSON.parse(stdout);
    expect(report).toMatchObject({ dropped: 0, repaired: 0 });
  });

  it("leaves a readable file when the program is killed", async () => {
    const scratch = new Scratch();
    const { signal, raw } = record(scratch, "crash");
    expect(signal).toBe("SIGKILL");
    const rows = await rowsOf(scratch, raw);
    expect(rows.filter((row) => row.size === "600")).toHaveLength(threads * 20_000);
  });

  it("says why it does not record, and lets the program run", () => {
    const scratch = new Scratch();
    const missing = record(scratch, "exit", scratch.file("no/such/folder.rmt"));
    expect(missing.status).toBe(0);
    expect(missing.stderr).toMatch(/could not create .*folder\.rmt: there is no such folder/);
    const full = record(scratch, "exit", "/dev/full");
    expect(full.status).toBe(0);
    expect(full.stderr).toMatch(/no space left on the device/);
  });

  it("does nothing without its variable", () => {
    const scratch = new Scratch();
    record(scratch, "exit", "");
    expect(existsSync(scratch.file("raw.rmt"))).toBe(false);
  });

  it("depends on the C library alone", () => {
    const needed = execFileSync("readelf", ["-d", built("librustydb_mem_record.so")], { encoding: "utf8" })
      .split("\n")
      .filter((line) => line.includes("(NEEDED)"));
    expect(needed.length).toBeGreaterThan(0);
    expect(needed.filter((line) => !/\[(libc|ld-linux[\w-]*|libm|libdl|libpthread)\.so/.test(line))).toEqual(
      [],
    );
    expect(statSync(built("librustydb_mem_record.so")).size).toBeGreaterThan(0);
  });
});
