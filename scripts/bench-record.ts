/**
 * What recording costs, in runs that alternate with runs that are not recorded: a malloc/free pair on the way of an event,
 * two threads beside one, and the SQLite script beside heaptrack's recording of it. Medians of what was added, with their
 * bootstrap intervals.
 *
 * npm run bench:record [rounds]
 */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { closeSync, copyFileSync, existsSync, openSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { recordProgram } from "../src/engine/recorder.js";
import { Workspace } from "../src/engine/workspace.js";
import { packageRoot } from "../src/native.js";
import { bootstrapMedian, type Interval } from "../src/statistics/bootstrap.js";
import { Random } from "../src/statistics/random.js";
// @ts-expect-error: plain JavaScript, for scripts that run before anything is installed
import { loadScript, transactionScript } from "./sqlite-tpcc.mjs";

const MAX_ADDED_NS = 30;
const MAX_OF_HEAPTRACK = 1 / 20;
// Bursts that fit into a ring, and pauses in which the collector empties it.
const BURSTS = 300;
const STACK_BYTES = 64 * 1024;
const MAX_STACKS_SHARE = 0.1;
const PAUSE_US = 2000;

const rounds = Number(process.argv[2] ?? 11);
const workspace = new Workspace();
const raw = join(workspace.path, "raw.rmt");
let kept = true;

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

const medianOf = (values: readonly number[]): Interval => bootstrapMedian([values], new Random(1));

const interval = ({ estimate, low, high }: Interval, unit = ""): string =>
  `${estimate.toFixed(3)}${unit} [${low.toFixed(3)}, ${high.toFixed(3)}]`;

/** In ms. */
interface Times {
  readonly wall: number;
  readonly cpu: number;
}

type Run = (command: string) => void | Promise<void>;

/** Runs a shell command under the recorder. */
async function recorded(command: string, stackBytes?: number): Promise<void> {
  const { exit, failures } = await recordProgram({
    command: ["/bin/sh", "-c", `exec ${command}`],
    rawPath: raw,
    onFull: "wait",
    ...(stackBytes === undefined ? {} : { stackBytes }),
  });
  if (exit.code !== 0 || failures.length > 0)
    throw new Error(`${command}: ${failures.join("; ")} (${exit.code})`);
}

function plain(command: string): void {
  const { status } = spawnSync("/bin/sh", ["-c", `exec ${command}`], { stdio: "inherit" });
  if (status !== 0) throw new Error(`${command} ended with ${status}`);
}

function buildBench(source: string, language: string): string {
  const program = join(workspace.path, source.replace(/\..*/, ""));
  const path = join(packageRoot, "test", "bench", source);
  execFileSync("c++", [`-x${language}`, "-O2", "-pthread", path, "-o", program], { stdio: "inherit" });
  return program;
}

/** Runs `how` on a command whose two numbers go to a file, and gives these back. */
async function figures(command: string, how: Run): Promise<[number, number]> {
  const out = join(workspace.path, "figures");
  await how(`${command} > ${out}`);
  const [median = Number.NaN, mean = Number.NaN] = execFileSync("cat", [out], { encoding: "utf8" })
    .trim()
    .split(" ")
    .map(Number);
  return [median, mean];
}

async function pairCosts(): Promise<void> {
  const bench = buildBench("record_bench.cc", "c++");
  for (const threads of [1, 2]) {
    const command = `${bench} ${BURSTS} ${threads} ${PAUSE_US}`;
    const without: number[] = [];
    const added: number[] = [];
    const stacks: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const [before] = await figures(command, plain);
      const [with_] = await figures(command, recorded);
      without.push(before);
      added.push(with_ - before);
      const [withStacks] = await figures(command, (each) => recorded(each, STACK_BYTES));
      stacks.push(withStacks / with_ - 1);
    }
    const stackShare = medianOf(stacks);
    const cost = medianOf(added);
    if (threads === 1) kept &&= cost.estimate <= MAX_ADDED_NS;
    say(
      `a malloc/free pair, ${threads} ${threads === 1 ? "thread" : "threads"}: ${interval(medianOf(without), " ns")} unrecorded, ` +
        `recording adds ${interval(cost, " ns")}${threads === 1 ? ` (at most ${MAX_ADDED_NS})` : ""}; ` +
        `call stacks add ${interval(stackShare)} of the recorded pair to it (at most ${MAX_STACKS_SHARE})`,
    );
    kept &&= stackShare.estimate <= MAX_STACKS_SHARE;
  }
}

function sqliteScript(): { command: string; reset: () => void } {
  const [load, run, loaded, database] = ["load.sql", "run.sql", "loaded.db", "tpcc.db"].map((name) =>
    join(workspace.path, name),
  ) as [string, string, string, string];
  writeFileSync(load, [...loadScript(7)].join(""));
  writeFileSync(run, [...transactionScript(7, 300)].join(""));
  const input = openSync(load, "r");
  execFileSync("sqlite3", ["-batch", "-bail", loaded], { stdio: [input, "ignore", "inherit"] });
  closeSync(input);
  const reset = (): void => {
    for (const suffix of ["-wal", "-shm"]) rmSync(`${database}${suffix}`, { force: true });
    copyFileSync(loaded, database);
  };
  return { command: `${run} sqlite3 -batch -bail ${database}`, reset };
}

const HEAPTRACK = "/usr/lib/heaptrack/libheaptrack_preload.so";
const INTERPRETER = "/usr/lib/heaptrack/libexec/heaptrack_interpret";

/** As the command heaptrack runs a program: its library writes to a pipe that the interpreter reads. */
async function heaptracked(command: string, timed: string): Promise<Times> {
  const pipe = join(workspace.path, "heaptrack.pipe");
  const out = join(workspace.path, "heaptrack.zst");
  execFileSync("mkfifo", [pipe]);
  const reader = spawn("/bin/sh", ["-c", `${INTERPRETER} < ${pipe} 2> /dev/null | zstd -qc > ${out}`]);
  const ended = new Promise((resolve) => reader.on("close", resolve));
  const [input = "", ...words] = command.split(" ");
  const environment = `env LD_PRELOAD=${HEAPTRACK} DUMP_HEAPTRACK_OUTPUT=${pipe}`;
  const [wall, cpu] = await figures(`${timed} ${input} ${environment} ${words.join(" ")}`, plain);
  await ended;
  rmSync(pipe);
  return { wall, cpu };
}

async function besideHeaptrack(): Promise<void> {
  if (!existsSync(HEAPTRACK) || !existsSync(INTERPRETER)) {
    say("heaptrack is not installed: apt-get install heaptrack");
    return;
  }
  const timed = buildBench("timed_run.c", "c");
  const { command, reset } = sqliteScript();
  const run = async (how: Run): Promise<Times> => {
    reset();
    const [wall, cpu] = await figures(`${timed} ${command}`, how);
    return { wall, cpu };
  };
  const all: { bare: Times; ours: Times; theirs: Times }[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const bare = await run(plain);
    const ours = await run(recorded);
    reset();
    all.push({ bare, ours, theirs: await heaptracked(command, timed) });
  }
  for (const clock of ["wall", "cpu"] as const) {
    const added = (which: "ours" | "theirs"): number[] =>
      all.map((each) => each[which][clock] - each.bare[clock]);
    const share = added("ours").map((ours, index) => ours / (added("theirs")[index] as number));
    const ratio = medianOf(share);
    if (clock === "wall") kept &&= ratio.estimate <= MAX_OF_HEAPTRACK;
    say(
      `the SQLite script, ${clock} time: ${interval(medianOf(all.map(({ bare }) => bare[clock])), " ms")} unrecorded; ` +
        `we add ${interval(medianOf(added("ours")), " ms")}, heaptrack ${interval(medianOf(added("theirs")), " ms")}; ` +
        `ours is ${interval(ratio)} of heaptrack's (at most ${MAX_OF_HEAPTRACK})`,
    );
  }
}

try {
  await pairCosts();
  await besideHeaptrack();
  if (!kept) process.exitCode = 1;
} finally {
  workspace.dispose();
}
