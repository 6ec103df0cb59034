import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { compile, inspect, runRecorded, transactionEvents } from "./recorded-program.js";
import { built, runTool, Scratch } from "./tool.js";

const marked = { RUSTYDB_MEM_MARKERS: "sqlite" };
const grabbed = 10_007;
const setUp = "open 1\nexec 1 CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT)\n";

let path = "";
/** Compiled once, by the first who asks. */
const program = (): string => {
  if (path === "")
    path = compile(mkdtempSync(join(tmpdir(), "sqlite-markers-")), "sqlite_program.c", "program", [
      "-lsqlite3",
    ]);
  return path;
};
afterAll(() => rmSync(dirname(program()), { recursive: true }));

/** What the trace has of these commands, behind the CREATE TABLE of the set-up. */
async function eventsOf(commands: string): Promise<string[]> {
  const scratch = new Scratch();
  const { status, stderr, raw } = runRecorded(scratch, [program()], setUp + commands, marked);
  expect(stderr).toBe("");
  expect(status).toBe(0);
  const [begin, commit, ...rest] = await transactionEvents(scratch, raw, [grabbed]);
  expect([begin, commit]).toEqual(["begin 1: CREATE TABLE t", "commit 1"]);
  return rest;
}

describe("the sqlite marker", () => {
  it.each<[string, string, string[]]>([
    [
      "autocommit statements, each a transaction",
      `exec 1 INSERT INTO t VALUES(1,'one'); /* two */ UPDATE "t" SET b = grab(${grabbed}); SELECT * FROM t WHERE a = 1`,
      [
        "begin 2: INSERT t",
        "commit 2",
        "begin 3: UPDATE t",
        "grab 3",
        "commit 3",
        "begin 4: SELECT t",
        "commit 4",
      ],
    ],
    [
      "a transaction, named after its first statement",
      "exec 1 BEGIN; INSERT OR REPLACE INTO main.t VALUES(1, ''); DELETE FROM t; COMMIT",
      ["begin 2: INSERT main.t", "commit 2"],
    ],
    [
      "a rollback",
      "exec 1 BEGIN IMMEDIATE; DELETE FROM t; ROLLBACK TRANSACTION",
      ["begin 2: DELETE t", "abort 2"],
    ],
    ["an empty transaction", "exec 1 BEGIN EXCLUSIVE; END", ["begin 2: BEGIN EXCLUSIVE", "commit 2"]],
    [
      "nested savepoints, released, and rolled back to",
      `exec 1 BEGIN; INSERT INTO t VALUES(1, ''); SAVEPOINT s1; SAVEPOINT "S 2"; UPDATE t SET b = grab(${grabbed}); ` +
        `ROLLBACK TO s1; UPDATE t SET b = grab(${grabbed}); RELEASE SAVEPOINT S1; SELECT grab(${grabbed}); COMMIT`,
      [
        "begin 2: INSERT t",
        "begin 3 in 2: SAVEPOINT s#",
        "begin 4 in 3: SAVEPOINT S #",
        "grab 4",
        "abort 4",
        "abort 3",
        "begin 5 in 2: SAVEPOINT s#",
        "grab 5",
        "release 5",
        "grab 2",
        "commit 2",
      ],
    ],
    [
      "a commit and a rollback over open savepoints",
      "exec 1 BEGIN; SAVEPOINT a; SAVEPOINT b; DELETE FROM t; COMMIT; SAVEPOINT a; DELETE FROM t; ROLLBACK",
      [
        "begin 2: DELETE t",
        "begin 3 in 2: SAVEPOINT a",
        "begin 4 in 3: SAVEPOINT b",
        "release 4",
        "release 3",
        "commit 2",
        "begin 5: DELETE t",
        "begin 6 in 5: SAVEPOINT a",
        "abort 6",
        "abort 5",
      ],
    ],
    [
      "an outermost savepoint, whose release commits",
      "exec 1 SAVEPOINT a; DELETE FROM t; RELEASE a",
      ["begin 2: DELETE t", "begin 3 in 2: SAVEPOINT a", "release 3", "commit 2"],
    ],
    [
      "an autocommit statement that fails",
      "exec 1 INSERT INTO t VALUES(1, '')\n!exec 1 INSERT INTO t VALUES(1, '')",
      ["begin 2: INSERT t", "commit 2", "begin 3: INSERT t", "abort 3"],
    ],
    [
      "an error that rolls the transaction back, and one that does not",
      "exec 1 BEGIN; INSERT INTO t VALUES(1, '')\n!exec 1 INSERT INTO t VALUES(1, '')\n" +
        "!exec 1 INSERT OR ROLLBACK INTO t VALUES(1, '')\nexec 1 SELECT 1",
      ["begin 2: INSERT t", "abort 2", "begin 3: SELECT", "commit 3"],
    ],
    [
      "statements that were reset or finalized half-way",
      "exec 1 INSERT INTO t VALUES(1, ''), (2, ''), (3, '')\nprepare 1 5 SELECT * FROM t\n" +
        "step 5\nstep 5\nreset 5\nstep 5\nfinalize 5",
      ["begin 2: INSERT t", "commit 2", "begin 3: SELECT t", "commit 3", "begin 4: SELECT t", "commit 4"],
    ],
    [
      "a transaction that the end of the connection rolls back",
      "exec 1 BEGIN; DELETE FROM t\nclose 1",
      ["begin 2: DELETE t", "abort 2"],
    ],
    [
      "a connection that lives on for its last statement",
      "exec 1 BEGIN; DELETE FROM t\nprepare 1 5 SELECT 1\nstep 5\nclose2 1\nfinalize 5\nopen 1\nexec 1 SELECT 1",
      ["begin 2: DELETE t", "abort 2", "begin 3: SELECT", "commit 3"],
    ],
    [
      "two connections in turn, on several threads",
      "open 2\nexec 1 BEGIN; DELETE FROM t\n@exec 2 BEGIN; CREATE TABLE u(a)\n" +
        `exec 2 SELECT grab(${grabbed})\n@exec 1 SELECT grab(${grabbed})\nexec 1 SELECT grab(${grabbed}); ROLLBACK\n` +
        `@exec 2 SELECT grab(${grabbed}); COMMIT`,
      [
        "begin 2: DELETE t",
        "begin 3: CREATE TABLE u",
        "grab 3",
        "grab 2",
        "grab 2",
        "abort 2",
        "grab 3",
        "commit 3",
      ],
    ],
    [
      "types without literals, at most 48 bytes",
      "exec 1 WITH x(n) AS (SELECT 'secret') SELECT n FROM x; SELECT 'secret' || (SELECT a FROM t); PRAGMA user_version = 77; " +
        `CREATE TABLE ${"long".repeat(20)}(a)`,
      [
        "begin 2: SELECT x",
        "commit 2",
        "begin 3: SELECT",
        "commit 3",
        "begin 4: PRAGMA user_version",
        "commit 4",
        `begin 5: ${`CREATE TABLE ${"long".repeat(20)}`.slice(0, 48)}`,
        "commit 5",
      ],
    ],
  ])("sees %s", async (_, commands, expected) => {
    expect(await eventsOf(commands)).toEqual(expected);
  });

  it("counts what inspect shows", async () => {
    const scratch = new Scratch();
    const turns = 20;
    const commands = Array.from(
      { length: turns },
      (_, i) =>
        `exec 1 BEGIN; SAVEPOINT s; DELETE FROM t; ROLLBACK TO s; RELEASE s; ${i % 4 ? "COMMIT" : "ROLLBACK"}`,
    );
    const { raw } = runRecorded(scratch, [program()], setUp + commands.join("\n"), marked);
    const { transactions } = await inspect(raw);
    expect(transactions).toMatchObject({
      begun: turns + 1,
      savepoints: 2 * turns,
      commits: 15 + 1,
      releases: turns,
      aborts: turns + 5,
      deepestNesting: 2,
      openAtEnd: 0,
    });
    expect(transactions.types).toContainEqual(
      expect.objectContaining({ type: "DELETE t", begins: turns, commits: 15, aborts: 5 }),
    );
  });

  it("sees a library that the program opens at run time", async () => {
    const scratch = new Scratch();
    const host = compile(scratch.path, "sqlite_program.c", "host", ["-DHOST"]);
    const library = compile(scratch.path, "sqlite_program.c", "lib.so", [
      "-DLIBRARY",
      "-shared",
      "-fPIC",
      "-lsqlite3",
    ]);
    const { status, stderr, raw } = runRecorded(
      scratch,
      [host, library],
      `${setUp}exec 1 DELETE FROM t`,
      marked,
    );
    expect(stderr).toBe("");
    expect(status).toBe(0);
    expect(await transactionEvents(scratch, raw)).toEqual([
      "begin 1: CREATE TABLE t",
      "commit 1",
      "begin 2: DELETE t",
      "commit 2",
    ]);
  });

  it("sees through sqlite3_exec, whether or not the library binds its calls inside, and changes no answer", async () => {
    const scratch = new Scratch();
    const bound = compile(scratch.path, "empty.c", "libsqlite3.so.0", [
      "-shared",
      "-Wl,-Bsymbolic,-soname,libsqlite3.so.0,--whole-archive,-l:libsqlite3.a,--no-whole-archive",
      "-lm",
    ]);
    expect(existsSync(bound)).toBe(true);
    const commands =
      `${setUp}exec 1 INSERT INTO t VALUES(1, ''), (2, ''), (3, ''); -- end\n` +
      `!exec 1 SELECT a, b FROM t; DELETE FROM t\nexec 1 \n!exec 1 SELECT * FROM nowhere\n` +
      "!exec 1 INSERT INTO t VALUES(1, '')\nexec 1 SELECT 1\n";
    const expected = [
      "begin 1: CREATE TABLE t",
      "commit 1",
      "begin 2: INSERT t",
      "commit 2",
      "begin 3: SELECT t",
      "commit 3",
      "begin 4: INSERT t",
      "abort 4",
      "begin 5: SELECT",
      "commit 5",
    ];
    const env = { STOP_AT_ROW_2: "1", SHOW: "1" };
    const plain = runRecorded(scratch, [program()], commands, env);
    expect(plain.status).toBe(0);
    expect(plain.stdout).toContain("query aborted");
    expect(await transactionEvents(scratch, plain.raw)).toEqual([]);
    for (const folder of ["", scratch.path]) {
      const run = runRecorded(scratch, [program()], commands, { ...env, ...marked, LD_LIBRARY_PATH: folder });
      expect(run.stderr).toBe("");
      expect(run.stdout).toBe(plain.stdout);
      expect(await transactionEvents(scratch, run.raw)).toEqual(expected);
    }
  });

  it("refuses another name than sqlite, and lets the program run", () => {
    const scratch = new Scratch();
    const { status, stderr } = runRecorded(scratch, [program()], setUp, {
      RUSTYDB_MEM_MARKERS: "mysql",
    });
    expect(status).toBe(0);
    expect(stderr).toMatch(/RUSTYDB_MEM_MARKERS can only be sqlite/);
  });

  it("makes recordings that every route replays as they were", async () => {
    const scratch = new Scratch();
    const turn =
      "exec 1 BEGIN; INSERT INTO t(b) VALUES(hex(randomblob(900))); SAVEPOINT s; UPDATE t SET b = 'x'; ROLLBACK TO s; COMMIT\n";
    const { raw } = runRecorded(scratch, [program()], setUp + turn.repeat(20), marked);
    const ours = "rustydb,slab,arena,large,malloc";
    const { code, stdout } = await runTool(["replay", raw, "-a", ours, "-r", "1", "--no-latency", "--json"]);
    expect(code).toBe(0);
    const { results } = JSON.parse(stdout);
    expect(results.map((result: { verified: boolean }) => result.verified)).toEqual(Array(5).fill(true));
  }, 60_000);
});

describe("the recorder library", () => {
  it("exports the malloc family, the marking functions and those of sqlite, and nothing else", () => {
    const names = execFileSync("nm", ["-D", "--defined-only", built("librustydb_mem_record.so")], {
      encoding: "utf8",
    })
      .trimEnd()
      .split("\n")
      .map((line) => line.split(" ").at(-1) ?? "");
    const family =
      /^(malloc|calloc|free|free_sized|free_aligned_sized|realloc|reallocarray|posix_memalign|aligned_alloc|memalign|p?valloc|_Z(nw|na|dl|da)\w*)$/;
    const marks = /^rustydb_mem_mark_(begin|savepoint|commit|release|abort|scope|phase)$/;
    const sqlite = /^sqlite3_(step|reset|finalize|close(_v2)?|exec|prepare(_v[23])?)$/;
    expect(names.filter((name) => marks.test(name))).toHaveLength(7);
    expect(names.filter((name) => sqlite.test(name))).toHaveLength(9);
    expect(names.filter((name) => ![family, marks, sqlite].some((one) => one.test(name)))).toEqual([]);
  });
});
