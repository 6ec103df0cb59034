/**
 * Records workloads/series again: real programs under load, all at the same time, the memory of each by a
 * `rustydb-mem watch` of its own. Some meet their limit and are killed; most do not. Writes manifest.json beside them.
 *
 * npm run record:series [-- --minutes 38] [--out FOLDER] [--seed N] [--csv] [name…]
 *
 * A recording is named by its load and its seed: those of other seeds stay. Needs 8 GiB of memory, 4 GiB of disk in the folder
 * for temporary files, and about one processor. With --csv the readings are taken by this script, from the same files and without
 * the tool, into CSV.
 */
import { spawn } from "node:child_process";
import { createWriteStream, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { packageRoot } from "../src/native.js";
import { formatBytes } from "../src/units.js";
import { install } from "./programs/session.js";
import { Clock, openSession, type SeriesLoad, type Session, usedBytes } from "./series/load.js";
import { postgresPrepared, postgresSorts } from "./series/postgres.js";
import { batchJobs, leak, nodeSawtooth, pageCache } from "./series/programs.js";
import { redisCache, redisFilling } from "./series/redis.js";
import { sqliteCache } from "./series/sqlite.js";

const loads: readonly SeriesLoad[] = [
  redisFilling,
  redisCache,
  postgresSorts,
  postgresPrepared,
  sqliteCache,
  leak,
  batchJobs,
  nodeSawtooth,
  pageCache,
];

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    minutes: { type: "string", default: "38" },
    out: { type: "string", default: join(packageRoot, "workloads", "series") },
    seed: { type: "string", default: "1" },
    csv: { type: "boolean", default: false },
  },
});
const [minutes, seed] = [Number(flags.minutes), Number(flags.seed)];
if (!(minutes > 0)) throw new Error(`--minutes ${flags.minutes} is no time`);
const unknown = positionals.filter((name) => !loads.some((load) => load.name === name));
if (unknown.length > 0) throw new Error(`no load is named ${unknown.join(", ")}`);
const chosen = positionals.length === 0 ? loads : loads.filter(({ name }) => positionals.includes(name));

const INTERVAL_MS = 1000;
/** Above its limit for so long, a process is killed: a reading of it at the limit is in the series by then. */
const GRACE_MS = 3000;

interface Recorded {
  readonly file: string;
  readonly what: string;
  readonly version: string;
  readonly limitBytes: number;
  readonly seconds: number;
  readonly peakBytes: number;
  readonly ranOut: boolean;
}

/** Begins to record the memory of a process; what it gives back ends it. */
function watch(pid: number, { limitBytes }: SeriesLoad, out: string): () => Promise<void> {
  if (flags.csv) return sample(pid, limitBytes, out);
  const args = ["watch", "--pid", `${pid}`, "--interval", `${INTERVAL_MS}ms`, "--limit", `${limitBytes}`];
  const watcher = spawn(
    process.execPath,
    [join(packageRoot, "bin", "rustydb-mem.js"), ...args, "--record", out, "--force", "--no-tui", "--quiet"],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  let complaint = "";
  watcher.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaint = (complaint + text).slice(-2000);
  });
  const ended = new Promise<void>((resolve) => watcher.once("close", () => resolve()));
  return async () => {
    if (watcher.exitCode === null) watcher.kill("SIGINT");
    await ended;
    if (!existsSync(out)) throw new Error(`watch has recorded nothing: ${complaint}`);
  };
}

/** The same readings without the tool. */
function sample(pid: number, limitBytes: number, out: string): () => Promise<void> {
  const file = createWriteStream(out);
  file.write("time_s,used_bytes,total_bytes\n");
  const since = performance.now();
  const timer = setInterval(() => {
    const used = usedBytes(pid);
    if (used !== undefined)
      file.write(`${((performance.now() - since) / 1000).toFixed(3)},${used},${limitBytes}\n`);
  }, INTERVAL_MS);
  return () => {
    clearInterval(timer);
    return new Promise((resolve) => file.end(() => resolve()));
  };
}

/** Waits until the load is over, and kills it before where it stays above its limit. */
async function guard(
  pid: number,
  limitBytes: number,
  clock: Clock,
): Promise<{ peakBytes: number; ranOut: boolean }> {
  let peakBytes = 0;
  let aboveSince: number | undefined;
  while (await clock.wait(0.2)) {
    const used = usedBytes(pid);
    if (used === undefined) return { peakBytes, ranOut: false };
    peakBytes = Math.max(peakBytes, used);
    if (used < limitBytes) aboveSince = undefined;
    else aboveSince ??= performance.now();
    if (aboveSince === undefined || performance.now() - aboveSince < GRACE_MS) continue;
    process.kill(pid, "SIGKILL");
    return { peakBytes, ranOut: true };
  }
  return { peakBytes, ranOut: false };
}

async function record(load: SeriesLoad, session: Session, index: number): Promise<Recorded> {
  const version = await load.version(session);
  const clock = new Clock(minutes * 60, seed * 1000 + index);
  const { pid, drive } = await load.start(session, clock);
  const file = `${load.name}-${seed}.${flags.csv ? "csv" : "rmt.gz"}`;
  clock.begin();
  const end = watch(pid, load, join(flags.out, file));
  say(load, `process ${pid}, limit ${formatBytes(load.limitBytes)}`);
  const driven = drive();
  const { peakBytes, ranOut } = await guard(pid, load.limitBytes, clock);
  clock.over = true;
  const seconds = Math.round(clock.passedS);
  await end();
  await session.end();
  // What drove it notices that it has gone; a server that ends badly by now is no failure.
  await Promise.race([driven.catch(() => undefined), sleep(10_000, undefined, { ref: false })]);
  say(load, `${seconds} s, peak ${formatBytes(peakBytes)}, ${ranOut ? "ran out" : "lived"}`);
  return { file, what: load.what, version, limitBytes: load.limitBytes, seconds, peakBytes, ranOut };
}

const say = ({ name }: SeriesLoad, text: string): void => {
  process.stdout.write(`${new Date().toISOString().slice(11, 19)} ${name}: ${text}\n`);
};

for (const load of chosen) await install(load);
mkdirSync(flags.out, { recursive: true });
const sessions = chosen.map(({ user }) => openSession(user));
const endAll = async (): Promise<void> => {
  await Promise.allSettled(sessions.map((session) => session.end()));
};
let stopped = false;
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    if (stopped) return;
    stopped = true;
    endAll().finally(() => process.exit(130));
  });
}

try {
  const results = await Promise.allSettled(
    chosen.map((load, index) => record(load, sessions[index] as Session, loads.indexOf(load))),
  );
  const recorded = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  writeManifest(recorded);
  for (const [index, result] of results.entries()) {
    if (result.status === "fulfilled") continue;
    process.exitCode = 1;
    process.stderr.write(
      `${chosen[index]?.name}: ${(result.reason as Error).message}\n${(result.reason as { output?: string }).output ?? ""}\n`,
    );
  }
} finally {
  await endAll();
}

/** Says of each series how it was made; those not recorded this time stay as they are. */
function writeManifest(recorded: readonly Recorded[]): void {
  const path = join(flags.out, "manifest.json");
  const before: readonly Recorded[] = existsSync(path)
    ? (JSON.parse(readFileSync(path, "utf8")) as { series: readonly Recorded[] }).series
    : [];
  const kept = before.filter(({ file }) => !recorded.some((each) => each.file === file));
  const series = [
    ...kept,
    ...recorded.map((each) => ({
      ...each,
      date: new Date().toISOString().slice(0, 10),
      seed,
      intervalMs: INTERVAL_MS,
    })),
  ].sort((a, b) => (a.file < b.file ? -1 : 1));
  writeFileSync(path, `${JSON.stringify({ series }, null, 2)}\n`);
}
