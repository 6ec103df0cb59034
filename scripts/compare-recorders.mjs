// Records one load with other people's recorders and with ours, and reads what all of them wrote: blocks born, blocks dead and bytes
// must agree. Usage: node scripts/compare-recorders.mjs [--rounds N] [--threads N] [--quick]; needs the build, and a C compiler.
// --quick leaves out what only differs in how it is packed.
//
// What a program does before and after its load differs from recorder to recorder, and is the same with no rounds at all: it is
// subtracted.

import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "1000000" },
    threads: { type: "string", default: "8" },
    quick: { type: "boolean", default: false },
  },
});
const rounds = Number(values.rounds);
const threads = Number(values.threads);

const scratch = mkdtempSync(join(tmpdir(), "compare-recorders-"));
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));

const program = join(scratch, "load");
execFileSync("cc", [
  "-O1",
  "-fno-builtin",
  "-pthread",
  join(root, "test/fixtures/allocation_load.c"),
  "-o",
  program,
]);

const run = (command, args, env = {}) => {
  const { status, stderr, error } = spawnSync(command, args, {
    env: { ...process.env, ...env },
    encoding: "utf8",
    stdio: ["ignore", "ignore", "pipe"],
  });
  if (error) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${status}: ${stderr}`);
};
const installed = (command) => spawnSync(command, ["--version"], { stdio: "ignore" }).error === undefined;
// The loader says on standard error where there is no such library, and goes on without.
const debugMalloc = "libc_malloc_debug.so.0";
const hasDebugMalloc = () =>
  spawnSync("true", [], { env: { ...process.env, LD_PRELOAD: debugMalloc }, encoding: "utf8" }).stderr === "";

let files = 0;
const heaptrack = (flags) => (program, args) => {
  const base = join(scratch, `heaptrack-${files++}`);
  run("heaptrack", [...flags, "-o", base, program, ...args]);
  const name = readdirSync(scratch).find((entry) => join(scratch, entry).startsWith(`${base}.`));
  if (name === undefined) throw new Error("heaptrack wrote no file");
  return join(scratch, name);
};
const repacked = (record, packer, ending) => (program, args) => {
  const path = record(program, args);
  const plain = path.replace(/\.[^.]+$/, "");
  if (path.endsWith(".zst")) execFileSync("zstd", ["-dqf", path, "-o", plain]);
  else execFileSync("gunzip", ["-kf", path]);
  if (packer === undefined) return plain;
  execFileSync(packer, ["-kqf", plain]);
  return `${plain}.${ending}`;
};

/** Each with the threads it can record, or why it can't here. */
const recorders = [
  {
    name: "rustydb-mem",
    record: (program, args) => {
      const path = join(scratch, `raw-${files++}.rmt`);
      run(program, args, {
        LD_PRELOAD: join(root, "build/Release/librustydb_mem_record.so"),
        RUSTYDB_MEM_RECORD: path,
      });
      return path;
    },
  },
  {
    name: "mtrace",
    oneThread: true,
    missing: hasDebugMalloc() ? undefined : `${debugMalloc} (glibc 2.34 or newer)`,
    record: (program, args) => {
      const path = join(scratch, `mtrace-${files++}.txt`);
      run(program, args, { LD_PRELOAD: debugMalloc, MALLOC_TRACE: path });
      return path;
    },
  },
  ...[
    ["heaptrack, raw", heaptrack(["--raw"])],
    ["heaptrack, interpreted", heaptrack([])],
    ...(values.quick
      ? []
      : [
          ["heaptrack, raw, plain", repacked(heaptrack(["--raw"]))],
          ["heaptrack, interpreted, gz", repacked(heaptrack([]), "gzip", "gz")],
          ["heaptrack, interpreted, zst", repacked(heaptrack([]), "zstd", "zst")],
        ]),
  ].map(([name, record]) => ({
    name,
    missing: ["heaptrack", ...(values.quick ? [] : ["zstd"])].find((command) => !installed(command)),
    record,
  })),
];

/** What `inspect` says a recording has: born, died, bytes asked for. A realloc is a birth and a death. */
function totals(path) {
  const inspect = [join(root, "bin/rustydb-mem.js"), "inspect", "--json", "-q", path];
  const { analysis } = JSON.parse(
    execFileSync(process.execPath, inspect, { encoding: "utf8", maxBuffer: 1 << 28 }),
  );
  const { alloc, free, realloc } = analysis.eventsByType;
  return { born: alloc + realloc, died: free + realloc, bytes: analysis.requestedBytes };
}

const difference = (a, b) => ({ born: a.born - b.born, died: a.died - b.died, bytes: a.bytes - b.bytes });

let disagree = false;
for (const count of threads === 1 ? [1] : [1, threads]) {
  let ours;
  for (const { name, oneThread, missing, record } of recorders) {
    if (oneThread && count > 1) continue;
    const label = `${count} ${count === 1 ? "thread" : "threads"}: ${name}`;
    if (missing !== undefined) {
      process.stdout.write(`${label}: skipped, there is no ${missing}\n`);
      continue;
    }
    const [full, empty] = [String(rounds), "0"].map((n) => totals(record(program, [String(count), n])));
    const load = difference(full, empty);
    ours ??= load;
    const same = load.born === ours.born && load.died === ours.died && load.bytes === ours.bytes;
    disagree ||= !same || load.born !== rounds * count;
    process.stdout.write(
      `${label}: ${load.born} born, ${load.died} died, ${load.bytes} bytes${same ? "" : ": differs from ours"}\n`,
    );
  }
}
process.exitCode = disagree ? 1 : 0;
