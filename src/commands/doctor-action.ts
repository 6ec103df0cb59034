import { Chalk } from "chalk";
import { type Allocator, chooseAllocators, findPeers, NONE } from "../engine/allocators.js";
import { type CompiledPlan, compileGenerated } from "../engine/plan.js";
import { replayExecutable, runRound } from "../engine/replayer.js";
import { Workspace } from "../engine/workspace.js";
import { Interrupted, UserError } from "../errors.js";
import { assemble } from "../measure/assemble.js";
import { readHost } from "../measure/host.js";
import { type Checkup, type Finding, judgeHost, judgeNoise } from "../measure/measurement-fitness.js";
import { measureTrace } from "../measure/schedule.js";
import { native } from "../native.js";
import { fitnessReport } from "../report/fitness.js";
import { LineProgress } from "../report/progress.js";
import { shippedProgram } from "../workload/shipped.js";
import type { CommandContext } from "./context.js";

/** Large enough that a pass takes some milliseconds, small enough that ten rounds take seconds. */
const PROBE = { events: 200_000, threads: 1 };

function bad(subject: string, error: unknown): Finding {
  if (!(error instanceof UserError) || error instanceof Interrupted) throw error;
  const advice = error.remedy === undefined ? {} : { advice: error.remedy };
  return { subject, value: error.message, verdict: "bad", ...advice };
}

function judgeParts(): Finding[] {
  const findings: Finding[] = [];
  try {
    native();
    findings.push({ subject: "addon", value: "loads", verdict: "good" });
  } catch (error) {
    findings.push(bad("addon", error));
  }
  try {
    findings.push({ subject: "replay executable", value: replayExecutable(), verdict: "good" });
  } catch (error) {
    findings.push(bad("replay executable", error));
  }
  return findings;
}

/** One round in a process of its own, to see which library answers and what it says it is. */
async function probe(allocator: Allocator, plan: CompiledPlan, signal: AbortSignal) {
  const request = {
    allocator,
    planPath: plan.path,
    mode: "timed",
    order: "free",
    warmPasses: 0,
    touch: "page",
  } as const;
  return (await runRound({ ...request, speed: "max", idleMs: 0 }, { signal })).hello;
}

async function judgePeers(plan: CompiledPlan, signal: AbortSignal): Promise<Finding[]> {
  const findings: Finding[] = [];
  const hello = await probe({ name: "malloc", route: "malloc", environment: {} }, plan, signal);
  findings.push(
    {
      subject: "clock",
      value: `${hello.clockNs.toFixed(1)} ns a reading`,
      verdict: hello.clockNs > 40 ? "warn" : "good",
    },
    {
      subject: "malloc",
      value: `${hello.mallocLibrary} ${hello.mallocVersion ?? ""}`.trim(),
      verdict: "good",
    },
  );
  for (const peer of findPeers()) {
    if (peer.path === undefined) {
      const advice = `apt-get install ${peer.package}`;
      findings.push({ subject: peer.name, value: "not installed", verdict: "note", advice });
      continue;
    }
    try {
      const [allocator] = chooseAllocators([peer.name]).allocators;
      const { mallocVersion } = await probe(allocator as Allocator, plan, signal);
      findings.push({
        subject: peer.name,
        value: `${peer.path} ${mallocVersion ?? "version unknown"}`,
        verdict: "good",
      });
    } catch (error) {
      findings.push({ ...bad(peer.name, error), verdict: "warn" });
    }
  }
  return findings;
}

async function judgeNoiseHere(plan: CompiledPlan, context: CommandContext, seed: number): Promise<Finding[]> {
  const view = new LineProgress(context.stderr, context.stderr.isTTY === true && context.interactive);
  try {
    const malloc: Allocator = { name: "malloc", route: "malloc", environment: {} };
    const { trace } = plan;
    const measurement = await measureTrace({
      plan: {
        trace: "noise floor",
        path: plan.path,
        measuredEvents: trace.measuredEvents + trace.measuredImpliedFrees,
        peakLiveBytes: trace.peakLiveBytes,
      },
      allocators: [malloc],
      baseline: malloc,
      options: {
        ...{
          rounds: 10,
          warmup: 1,
          order: "free",
          touch: "page",
          speed: "max",
          seed,
          maxRounds: 10,
          idleMs: 0,
        },
        ...{ verify: false, latency: false, memory: false, aa: true, untilWidth: null },
      },
      run: runRound,
      view,
      signal: context.signal,
    });
    if (measurement.stopped !== undefined) throw measurement.stopped;
    const { harness } = assemble([{ trace, measurement }], { threads: 1, order: "free", seed });
    const floor = harness.noiseFloor?.[trace.name];
    const loop = harness.loopNsPerEvent[trace.name];
    const findings = floor === undefined ? [] : [judgeNoise(floor)];
    if (loop === undefined) return findings;
    return [
      ...findings,
      { subject: NONE.name, value: `the loop costs ${loop.toFixed(2)} ns an event`, verdict: "good" },
    ];
  } finally {
    view.close();
  }
}

async function checkUp(context: CommandContext, seed: number): Promise<Checkup> {
  const findings = [...judgeHost(readHost()), ...judgeParts()];
  if (findings.every((finding) => finding.verdict !== "bad")) {
    const workspace = new Workspace();
    try {
      const plan = await compileGenerated(
        shippedProgram("oltp-tpcc", PROBE),
        "generated OLTP load",
        workspace,
        { signal: context.signal },
      );
      findings.push(...(await judgePeers(plan, context.signal)));
      findings.push(...(await judgeNoiseHere(plan, context, seed)));
    } finally {
      workspace.dispose();
    }
  }
  return { findings, fit: findings.every((finding) => finding.verdict !== "bad") };
}

export async function doctor(flags: { json: boolean }, context: CommandContext): Promise<void> {
  const checkup = await checkUp(context, 1);
  context.stdout.write(
    flags.json ? `${JSON.stringify(checkup, null, 2)}\n` : fitnessReport(checkup, new Chalk()),
  );
  if (!checkup.fit) throw new UserError("not-fit", "this machine cannot measure yet");
}
