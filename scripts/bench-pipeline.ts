/**
 * The bars of the pipeline, each beside the figure measured now; exit code 1 where one is missed.
 *
 * npm run bench:pipeline [-- --only WORD] [--events N]
 *   --only    the bars whose name contains the word
 *   --events  of the long trace, 100 million by default
 *
 * Wants a build (npm run build) and quiet machine. The long trace needs about 10 GB in the folder for temporary files.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { parseArgs } from "node:util";
import { gunzipSync } from "node:zlib";
import { Bench } from "tinybench";
import yauzl from "yauzl";
import { type Frame, parseFrame } from "../src/engine/frames.js";
import { native, type PipelineSink, type PipelineSource, packageRoot } from "../src/native.js";
import { runGenerated } from "../src/trace/generated.js";
import { TraceOutput } from "../src/trace/output.js";
import { runTrace } from "../src/trace/source.js";
import { formatBytes, formatCount } from "../src/units.js";
import { shippedProgram } from "../src/workload/shipped.js";

const SQLITE_TRACE = join(packageRoot, "workloads", "recorded", "sqlite-tpcc.rmt.gz");
const OLTP_TRACE = join(packageRoot, "workloads", "generated", "oltp-tpcc.rmt.gz");
const ANDROID_TRACE = join(packageRoot, "..", "shared", "data", "traces", "android-systemui.zip");
// Another build can be measured by the variables that the tool itself knows.
const REPLAY = process.env.RUSTYDB_MEM_REPLAY ?? join(packageRoot, "build", "Release", "rustydb-mem-replay");
const PUSH_BYTES = 1024 * 1024;
const RESIDENT_BAR_BYTES = 400 * 1024 * 1024;

interface Bar {
  readonly name: string;
  readonly wanted: string;
  /** The figure in words, and whether it is good enough; or why there is none. */
  measure(): Promise<{ figure: string; met: boolean } | { skipped: string }>;
}

const { values: flags } = parseArgs({
  options: { only: { type: "string", default: "" }, events: { type: "string", default: "100000000" } },
});
const longEvents = Number(flags.events);

/** The median of the times of some runs, by tinybench; each run says itself how long the part that counts took. */
async function medianMs(runs: number, run: () => Promise<number>): Promise<number> {
  const bench = new Bench({
    time: 0,
    iterations: runs,
    warmup: true,
    warmupTime: 0,
    warmupIterations: 2,
    throws: true,
  });
  bench.add("run", async () => ({ overriddenDuration: await run() }));
  const [task] = await bench.run();
  const result = task?.result;
  if (result === undefined || !("latency" in result)) throw new Error("the benchmark did not complete");
  return result.latency.p50;
}

/** Milliseconds from the first byte pushed to the end of the sink. */
async function pipelineMs(source: PipelineSource, sink: PipelineSink, bytes: Buffer): Promise<number> {
  const { TracePipeline } = native();
  const started = performance.now();
  const pipeline = new TracePipeline({ source, sink });
  for (let at = 0; at < bytes.length; at += PUSH_BYTES)
    await pipeline.push(bytes.subarray(at, at + PUSH_BYTES));
  await pipeline.finish();
  return performance.now() - started;
}

async function readZipEntry(path: string): Promise<Buffer> {
  const zip = await yauzl.openPromise(path);
  const chunks: Buffer[] = [];
  for await (const entry of zip.eachEntry()) {
    for await (const chunk of (await zip.openReadStreamPromise(entry)) as Readable)
      chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

/** Runs a program to its end; throws with what it complained about. */
function execute(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env, stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    let complaint = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      complaint += text;
    });
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0) resolve(said);
      else reject(new Error(`${program} ${args.join(" ")} ended with ${code}: ${complaint.slice(-2000)}`));
    });
  });
}

/** What a round of the replay executable says. */
async function round(
  plan: string,
  route: string,
  mode: string,
  args: readonly string[] = [],
): Promise<Frame[]> {
  const said = await execute(REPLAY, ["--plan", plan, "--route", route, "--mode", mode, ...args], {
    PATH: "/usr/bin:/bin",
    LC_ALL: "C",
  });
  return said
    .trim()
    .split("\n")
    .flatMap((line) => parseFrame(line) ?? []);
}

/** Nanoseconds of the warm passes of a timed round. */
async function warmPassesNs(plan: string, route: string, passes: number): Promise<number[]> {
  const args = ["--order", "free", "--touch", "page", "--warm", String(passes)];
  return (await round(plan, route, "timed", args)).flatMap((frame) =>
    frame.frame === "pass" && !frame.cold ? frame.wallNs : [],
  );
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

/** The SQLite trace as a plan in a folder of its own, for as long as `use` takes. */
async function withSqlitePlan<T>(use: (plan: string, events: number) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "bench-pipeline-"));
  try {
    const planPath = join(folder, "plan");
    const { plan } = await runTrace(SQLITE_TRACE, { kind: "plan", planPath, spoolDirectory: folder });
    if (plan === null) throw new Error("no plan was made");
    return await use(planPath, plan.measuredEvents + plan.measuredImpliedFrees);
  } finally {
    await rm(folder, { recursive: true });
  }
}

const loopBar: Bar = {
  name: "loop of the route none, SQLite trace",
  wanted: "at most 2.0 ns an event",
  measure: () =>
    withSqlitePlan(async (plan, events) => {
      const ns = median(await warmPassesNs(plan, "none", 50)) / events;
      return { figure: `${ns.toFixed(2)} ns`, met: ns <= 2.0 };
    }),
};

const netBar: Bar = {
  name: "net of glibc malloc beside a loop written by hand, SQLite trace",
  wanted: "within 10 %",
  async measure() {
    await execute("cmake", ["--build", dirname(dirname(REPLAY)), "--target", "handloop_bench"]);
    return withSqlitePlan(async (plan, events) => {
      // In turns, so that a slow moment hits all three; the median of the turns.
      const nets: number[] = [];
      const byHand: number[] = [];
      for (let turn = 0; turn < 7; turn += 1) {
        const none = median(await warmPassesNs(plan, "none", 10));
        const malloc = median(await warmPassesNs(plan, "malloc", 10));
        const said = await execute(
          join(dirname(REPLAY), "handloop_bench"),
          ["--plan", plan, "--warm", "10"],
          {},
        );
        nets.push((malloc - none) / events);
        byHand.push((JSON.parse(said) as { netNsPerEvent: number }).netNsPerEvent);
      }
      const net = median(nets);
      const hand = median(byHand);
      const off = net / hand - 1;
      const figure = `${net.toFixed(2)} ns, by hand ${hand.toFixed(2)} ns: ${(off * 100).toFixed(1)} %`;
      return { figure, met: Math.abs(off) <= 0.1 };
    });
  },
};

const clockBar: Bar = {
  name: "latency of the route none, SQLite trace",
  wanted: "within 10 ns of what reading the clock costs",
  measure: () =>
    withSqlitePlan(async (plan) => {
      const frames = await round(plan, "none", "latency", ["--order", "recorded"]);
      const clock = frames.find((frame) => frame.frame === "hello")?.clockNs ?? Number.NaN;
      const result = frames.find((frame) => frame.frame === "result");
      const p50 = result?.latencyNs?.alloc?.p50 ?? Number.NaN;
      return {
        figure: `p50 ${p50.toFixed(1)} ns, the clock ${clock.toFixed(1)} ns`,
        met: Math.abs(p50 - clock) <= 10,
      };
    }),
};

const decodeBar: Bar = {
  name: "canonical decode, the slower of the shipped traces",
  wanted: "at least 30 M events/s",
  async measure() {
    const rates: number[] = [];
    for (const trace of [SQLITE_TRACE, OLTP_TRACE]) {
      const bytes = gunzipSync(await readFile(trace));
      const { sourceEvents } = await runTrace(trace, { kind: "count" });
      const ms = await medianMs(21, () =>
        pipelineMs({ kind: "bytes", format: "rmt" }, { kind: "count" }, bytes),
      );
      rates.push(sourceEvents / (ms / 1000));
    }
    return perSecond(Math.min(...rates), 30e6, "events/s");
  },
};

const plannerBar: Bar = {
  name: "planner, decode included, SQLite trace",
  wanted: "at least 5 M events/s",
  async measure() {
    const bytes = gunzipSync(await readFile(SQLITE_TRACE));
    const { sourceEvents } = await runTrace(SQLITE_TRACE, { kind: "count" });
    const folder = await mkdtemp(join(tmpdir(), "bench-pipeline-"));
    try {
      const planPath = join(folder, "plan");
      const ms = await medianMs(11, async () => {
        const sink = { kind: "plan", planPath, spoolDirectory: folder } as const;
        const took = await pipelineMs({ kind: "bytes", format: "rmt" }, sink, bytes);
        await rm(planPath);
        return took;
      });
      return perSecond(sourceEvents / (ms / 1000), 5e6, "events/s");
    } finally {
      await rm(folder, { recursive: true });
    }
  },
};

const androidBar: Bar = {
  name: "Android text",
  wanted: "at least 1 M lines/s",
  async measure() {
    if (!existsSync(ANDROID_TRACE)) return { skipped: "../shared/data is not there" };
    const bytes = await readZipEntry(ANDROID_TRACE);
    const { report } = await runTrace(ANDROID_TRACE, { kind: "count" });
    const ms = await medianMs(5, () =>
      pipelineMs({ kind: "bytes", format: "android" }, { kind: "count" }, bytes),
    );
    return perSecond(report.linesRead / (ms / 1000), 1e6, "lines/s");
  },
};

const generateBar: Bar = {
  name: "generate to the canonical writer, oltp-tpcc and long-running-aging, the slower",
  wanted: "at least 10 M events/s",
  async measure() {
    const rates: number[] = [];
    for (const name of ["oltp-tpcc", "long-running-aging"]) {
      const program = shippedProgram(name, { events: 4_000_000 });
      let events = 0;
      const ms = await medianMs(5, async () => {
        const started = performance.now();
        ({ resultEvents: events } = await runGenerated(program, { kind: "rmt" }));
        return performance.now() - started;
      });
      rates.push(events / (ms / 1000));
    }
    return perSecond(Math.min(...rates), 10e6, "events/s");
  },
};

function perSecond(rate: number, bar: number, unit: string): { figure: string; met: boolean } {
  return { figure: `${(rate / 1e6).toFixed(1)} M ${unit}`, met: rate >= bar };
}

// The long trace is made once, by the first of its bars, and removed at the end.
let longTrace: Promise<string> | undefined;
let longFolder: string | undefined;

async function makeLongTrace(): Promise<string> {
  longFolder = await mkdtemp(join(tmpdir(), "bench-pipeline-"));
  const path = join(longFolder, "long.rmt");
  const output = await TraceOutput.open(path, { format: "rmt", force: false });
  const started = performance.now();
  await runGenerated(
    shippedProgram("oltp-tpcc", { events: longEvents, liveBytes: 16 * 1024 * 1024 }),
    { kind: "rmt" },
    { onOutput: (bytes) => output.write(bytes) },
  );
  await output.commit();
  const seconds = (performance.now() - started) / 1000;
  const rate = (longEvents / seconds / 1e6).toFixed(1);
  process.stdout.write(
    `  (generated ${formatCount(longEvents)} events, ${formatBytes(output.writtenBytes)}, ${rate} M events/s)\n`,
  );
  return path;
}

/** Says the peak of its resident memory when it exits. */
const TELL_PEAK = `data:text/javascript,${encodeURIComponent(
  `import { readFileSync, writeFileSync } from "node:fs";
   process.on("exit", () => writeFileSync(process.env.PEAK_FILE, readFileSync("/proc/self/status", "utf8").match(/VmHWM:\\s+(\\d+)/)[1]));`,
)}`;

function residentBar(name: string, args: (trace: string, folder: string) => readonly string[]): Bar {
  return {
    name: `${name} of a generated trace of ${formatCount(longEvents)} events`,
    wanted: `under ${formatBytes(RESIDENT_BAR_BYTES)} resident`,
    async measure() {
      longTrace ??= makeLongTrace();
      const trace = await longTrace;
      const folder = await mkdtemp(join(tmpdir(), "bench-pipeline-"));
      try {
        const peakFile = join(folder, "peak");
        const started = performance.now();
        await execute(process.execPath, ["--import", TELL_PEAK, ...args(trace, folder)], {
          ...process.env,
          PEAK_FILE: peakFile,
        });
        const seconds = (performance.now() - started) / 1000;
        const peakBytes = Number(await readFile(peakFile, "utf8")) * 1024;
        const figure = `${formatBytes(peakBytes)}, ${seconds.toFixed(1)} s, ${(longEvents / seconds / 1e6).toFixed(1)} M events/s`;
        return { figure, met: peakBytes < RESIDENT_BAR_BYTES };
      } finally {
        await rm(folder, { recursive: true });
      }
    },
  };
}

const tool = join(packageRoot, "bin", "rustydb-mem.js");
const PLAN_PROGRAM = `
  const [trace, folder] = process.argv.slice(1);
  const { runTrace } = await import(${JSON.stringify(join(packageRoot, "dist", "trace", "source.js"))});
  await runTrace(trace, { kind: "plan", planPath: folder + "/plan", spoolDirectory: folder });`;

const bars: readonly Bar[] = [
  loopBar,
  netBar,
  clockBar,
  decodeBar,
  plannerBar,
  androidBar,
  generateBar,
  residentBar("inspect", (trace) => [tool, "inspect", trace, "--quiet", "--json"]),
  residentBar("convert", (trace, folder) => [tool, "convert", trace, join(folder, "out.rmt"), "--quiet"]),
  residentBar("plan", (trace, folder) => ["--input-type=module", "--eval", PLAN_PROGRAM, trace, folder]),
];

let missed = 0;
try {
  for (const bar of bars.filter(({ name }) => name.includes(flags.only))) {
    process.stdout.write(`${bar.name}: ${bar.wanted}\n`);
    const outcome = await bar.measure();
    if ("skipped" in outcome) {
      process.stdout.write(`  skipped: ${outcome.skipped}\n`);
      continue;
    }
    process.stdout.write(`  ${outcome.met ? "met   " : "MISSED"}  ${outcome.figure}\n`);
    if (!outcome.met) missed += 1;
  }
} finally {
  if (longFolder !== undefined) await rm(longFolder, { recursive: true, force: true });
}
process.stdout.write(missed === 0 ? "every bar is met\n" : `${missed} of the bars missed\n`);
if (missed > 0) process.exitCode = 1;
