import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { built, root, Scratch } from "./tool.js";

/** The short part of npm run test:programs: a few programs, unmodified, that must not notice the drop-in malloc. */

const library = built("librustydb_malloc.so");
const limited = ["/bin/sh", "-c", 'ulimit -v 4000000 && exec "$@"', "sh"];

interface Answer {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly bytes: number;
  /** Of what it printed and of the file it wrote. */
  readonly hash: string;
}

interface Program {
  readonly command: string;
  /** What has to be installed, where that is not the command. */
  readonly needs?: string;
  args(scratch: Scratch): string[];
  readonly input?: string;
  /** What it writes beside its answer. */
  readonly output?: string;
}

const sql = `create table t(a integer primary key, b text, c blob);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 15000)
  insert into t select i, hex(i * 7919), zeroblob(i % 700) from n;
create index by_b on t(b);
begin; update t set b = b || a where a % 3 = 0; savepoint s; delete from t where a % 2 = 0; rollback to s; commit;
select count(*), sum(length(b)), sum(length(c)), max(b) from t group by a % 7 order by 2;
select group_concat(b) from (select b from t order by b desc limit 500);
pragma integrity_check;
`;

const python = `import json, threading
rows = [{"id": i, "text": "x" * (i % 400), "list": list(range(i % 20))} for i in range(1500)]
out = []
def work(n):
    back = rows
    for _ in range(5): back = json.loads(json.dumps(back))
    out.append(sum(len(row["text"]) + len(row["list"]) for row in back) + n)
threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
for t in threads: t.start()
for t in threads: t.join()
print(sorted(out))
`;

const script =
  "const o = []; for (let i = 0; i < 5e4; i++) o.push({ i, s: 'x'.repeat(i % 50) });" +
  "const b = []; for (let i = 0; i < 150; i++) b.push(Buffer.alloc(i * 997, i));" +
  "console.log(JSON.stringify(o).length, Buffer.concat(b).reduce((s, x) => s + x, 0))";

const programs: Record<string, Program> = {
  "g++": {
    command: "g++",
    args: (scratch) => {
      const source = join(root, "native/alloc/size_classes.cc");
      return ["-std=c++20", "-O1", "-I", join(root, "native"), "-c", source, "-o", scratch.file("out")];
    },
    output: "out",
  },
  sqlite3: { command: "sqlite3", args: () => [":memory:"], input: sql },
  "python3, with its malloc for small objects and without": {
    command: "sh",
    needs: "/usr/bin/python3",
    args: () => ["-c", '/usr/bin/python3 -c "$0" && PYTHONMALLOC=malloc /usr/bin/python3 -c "$0"', python],
  },
  node: { command: process.execPath, args: () => ["-e", script] },
};

function run(program: Program, preload: string | undefined, under: readonly string[]): Answer {
  const scratch = new Scratch();
  const [command = "", ...args] = [...under, program.command, ...program.args(scratch)];
  const { status, signal, stdout } = spawnSync(command, args, {
    env: { ...process.env, ...(preload === undefined ? {} : { LD_PRELOAD: preload }) },
    input: program.input ?? "",
    maxBuffer: 2 ** 26,
  });
  const file = status === 0 && program.output !== undefined ? readFileSync(scratch.file(program.output)) : "";
  const hash = createHash("sha256").update(stdout).update(file).digest("hex");
  return { status, signal, bytes: stdout.length + file.length, hash };
}

const installed = (command: string): boolean => spawnSync("sh", ["-c", `command -v ${command}`]).status === 0;

describe.each(Object.entries(programs))("%s on the drop-in malloc", (_, program) => {
  it.for([
    ["answers as on glibc", []],
    ["answers as on glibc where address space is limited", limited],
  ] as const)("%s", ([, under], { skip }) => {
    const { command, needs = command } = program;
    if (!installed(needs)) skip(`${needs} is not installed`);
    const expected = run(program, undefined, under);
    if (expected.status !== 0 && under.length > 0) skip(`${needs} cannot run so on glibc either`);
    expect(expected).toMatchObject({ status: 0, signal: null });
    expect(expected.bytes).toBeGreaterThan(0);
    expect(run(program, library, under)).toEqual(expected);
  });
});
