/**
 * What recording costs a server, by rounds of load that alternate between servers that run side by side, one of them
 * recorded: the CPU time of Redis under redis-benchmark, beside heaptrack's recording of it, and the latency of
 * PostgreSQL under pgbench. Medians of what was added, with their bootstrap intervals.
 *
 * npm run bench:record-servers [rounds] [redis|postgres]
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { bootstrapMedian } from "../src/statistics/bootstrap.js";
import { Random } from "../src/statistics/random.js";
// @ts-expect-error: plain JavaScript, for scripts that run before anything is installed
import { binaries } from "./servers/postgres.mjs";
// @ts-expect-error: as above
import { ServerSession } from "./servers/session.mjs";

const MAX_OF_HEAPTRACK = 1 / 20;
const MAX_P99_SHARE = 1.03;
const REDIS_REQUESTS = 100_000;
const PGBENCH_SECONDS = 4;
// About a third of what the server can do on two CPUs: latency, not a queue.
const PGBENCH_RATE = 300;

const rounds = Number(process.argv[2] ?? 11);
const only = process.argv[3];
let kept = true;

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

function median(values: readonly number[], unit = ""): { estimate: number; text: string } {
  const { estimate, low, high } = bootstrapMedian([values], new Random(1));
  const text = `${estimate.toFixed(3)}${unit} [${low.toFixed(3)}, ${high.toFixed(3)}]`;
  return { estimate, text };
}

type Program = { readonly child: { readonly pid: number }; readonly hasEnded: boolean };
const ways = ["bare", "recorded", "heaptrack"] as const;
type Way = (typeof ways)[number];

function start(session: ServerSession, way: Way, words: readonly string[]): Program {
  const out = join(session.folder, `${way}.out`);
  switch (way) {
    case "bare":
      return session.start(words[0], words.slice(1));
    case "recorded":
      return session.record(`${out}.rmt`, [], words);
    case "heaptrack":
      return session.start("heaptrack", ["-o", out, ...words]);
  }
}

async function redis(): Promise<void> {
  const session = new ServerSession("redis");
  try {
    const sockets = Object.fromEntries(
      ways.map((way) => [way, join(session.folder, `${way}.sock`)]),
    ) as Record<Way, string>;
    const cli = (way: Way, ...words: string[]): Promise<string> =>
      session.run("redis-cli", ["-s", sockets[way], ...words]);
    const servers: Program[] = [];
    for (const way of ways) {
      const server = start(session, way, [
        "/usr/bin/redis-server",
        ...["--port", "0", "--unixsocket", sockets[way], "--dir", session.folder],
        ...["--save", "", "--appendonly", "no"],
      ]);
      servers.push(server);
      await session.waitFor(server, () => cli(way, "ping"));
    }
    const cpuMs = async (way: Way): Promise<number> => {
      const info = await cli(way, "info", "cpu");
      const field = (name: string): number => Number(new RegExp(`${name}:([\\d.]+)`).exec(info)?.[1]);
      return 1000 * (field("used_cpu_user") + field("used_cpu_sys"));
    };
    const load = async (way: Way): Promise<{ cpu: number; wall: number }> => {
      const before = await cpuMs(way);
      const started = performance.now();
      const words = ["-q", "-n", String(REDIS_REQUESTS), "-P", "4", "-r", "10000", "-d", "100"];
      await session.run("redis-benchmark", [
        "-s",
        sockets[way],
        ...words,
        "-t",
        "set,get,lpush,lpop,sadd,hset",
      ]);
      return { wall: performance.now() - started, cpu: (await cpuMs(way)) - before };
    };
    const all: Record<Way, { cpu: number; wall: number }>[] = [];
    for (let round = 0; round < rounds; round += 1) {
      all.push({
        bare: await load("bare"),
        recorded: await load("recorded"),
        heaptrack: await load("heaptrack"),
      });
    }
    for (const clock of ["cpu", "wall"] as const) {
      const added = (way: Way): number[] => all.map((each) => each[way][clock] - each.bare[clock]);
      const theirs = added("heaptrack");
      const ratio = median(added("recorded").map((ours, index) => ours / (theirs[index] ?? Number.NaN)));
      if (clock === "wall") kept &&= ratio.estimate <= MAX_OF_HEAPTRACK;
      const bare = all.map((each) => each.bare[clock]);
      say(
        `redis-benchmark, ${clock} time ${clock === "cpu" ? "of the server" : "of the client"}: ` +
          `${median(bare, " ms").text} unrecorded; we add ${median(added("recorded"), " ms").text}, ` +
          `heaptrack ${median(theirs, " ms").text}; ours is ${ratio.text} of heaptrack's (at most ${MAX_OF_HEAPTRACK})`,
      );
    }
    for (const way of ways) await cli(way, "shutdown", "nosave").catch(() => undefined); // it hangs up as it goes
  } finally {
    await session.end();
  }
}

async function pgbench(): Promise<void> {
  const bin: string = binaries();
  const session = new ServerSession("postgres");
  try {
    const folders: Record<string, string> = {};
    for (const way of ["bare", "recorded"] as const) {
      const socket: string = session.makeFolder(way);
      folders[way] = socket;
      const data = join(socket, "data");
      await session.run(join(bin, "initdb"), ["-D", data, "-A", "trust", "-U", "postgres", "--no-sync"]);
      const server = start(session, way, [
        join(bin, "postgres"),
        ...["-D", data, "-k", socket, "-c", "listen_addresses=", "-c", "fsync=off", "-c", "autovacuum=off"],
      ]);
      const to = ["-h", socket, "-U", "postgres"];
      await session.waitFor(server, () => session.run("psql", [...to, "-c", "select 1"]));
      await session.run("pgbench", [...to, "-i", "-q", "-s", "2", "postgres"]);
    }
    /** Microseconds of the transactions of one round. */
    const latencies = async (way: string, round: number): Promise<number[]> => {
      const prefix = join(folders[way] ?? "", `log-${round}`);
      const words = [
        "-h",
        folders[way] ?? "",
        "-U",
        "postgres",
        "-n",
        "-c",
        "2",
        "-T",
        String(PGBENCH_SECONDS),
      ];
      await session.run("pgbench", [
        ...words,
        ...["-R", String(PGBENCH_RATE), "-l", `--log-prefix=${prefix}`, "postgres"],
      ]);
      return readdirSync(folders[way] ?? "")
        .filter((name) => name.startsWith(`log-${round}.`))
        .flatMap((name) =>
          readFileSync(join(folders[way] ?? "", name), "utf8")
            .trim()
            .split("\n"),
        )
        .map((line) => Number(line.split(" ")[2]));
    };
    const quantile = (values: readonly number[], share: number): number =>
      [...values].sort((a, b) => a - b)[Math.floor(share * values.length)] ?? Number.NaN;
    await latencies("bare", -1);
    await latencies("recorded", -1);
    const pairs: { bare: number[]; recorded: number[] }[] = [];
    for (let round = 0; round < rounds; round += 1) {
      pairs.push({ bare: await latencies("bare", round), recorded: await latencies("recorded", round) });
    }
    for (const [name, share] of [
      ["p50", 0.5],
      ["p99", 0.99],
    ] as const) {
      const ratio = median(
        pairs.map(({ bare, recorded }) => quantile(recorded, share) / quantile(bare, share)),
      );
      const bare = median(
        pairs.map((pair) => quantile(pair.bare, share) / 1000),
        " ms",
      );
      if (name === "p99") kept &&= ratio.estimate <= MAX_P99_SHARE;
      say(
        `pgbench, ${name} of a transaction: ${bare.text} unrecorded; recorded ${ratio.text} of it` +
          `${name === "p99" ? ` (at most ${MAX_P99_SHARE})` : ""}`,
      );
    }
  } finally {
    await session.end();
  }
}

if (only !== "postgres") {
  if (existsSync("/usr/bin/redis-server") && existsSync("/usr/bin/heaptrack")) await redis();
  else say("redis-server or heaptrack is not installed: apt-get install redis-server redis-tools heaptrack");
}
if (only !== "redis") {
  if (binaries() !== undefined) await pgbench();
  else say("PostgreSQL is not installed: apt-get install postgresql postgresql-contrib");
}
if (!kept) process.exitCode = 1;
