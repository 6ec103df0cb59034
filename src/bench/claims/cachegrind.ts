import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { type Allocator, chooseAllocators, NONE } from "../../engine/allocators.js";
import { parseFrame } from "../../engine/frames.js";
import {
  childArguments,
  childEnvironment,
  preloadError,
  type RoundRequest,
  replayExecutable,
  wrongLibrary,
} from "../../engine/replayer.js";
import { Interrupted, ReplayError } from "../../errors.js";
import type { NotMeasured } from "./claim.js";
import type { Lab, Load } from "./lab.js";

const run = promisify(execFile);

/**
 * Misses of the first level's data cache in two passes over a plan. Throws ReplayError `cachegrind-failed` and
 * `no-cachegrind-figures`, AllocatorError `preload-failed`, and Interrupted.
 */
async function missesOf(allocator: Allocator, plan: string, lab: Lab): Promise<number> {
  await lab.show(`${allocator.name} under cachegrind`);
  const request: RoundRequest = {
    ...{ allocator, mode: "timed", planPath: plan, order: "recorded", warmPasses: 1 },
    ...{ touch: "page", speed: "max", idleMs: 0 },
  };
  const { stdout, stderr } = await run(
    "valgrind",
    [
      ...["--tool=cachegrind", "--cache-sim=yes", "--cachegrind-out-file=/dev/null"],
      ...[replayExecutable(), ...childArguments(request)],
    ],
    {
      env: { ...childEnvironment(allocator), PATH: process.env.PATH ?? "/usr/bin:/bin" },
      signal: lab.signal,
      maxBuffer: 1 << 24,
    },
  ).catch((cause: Error) => {
    if (lab.signal.aborted) throw new Interrupted();
    const { name } = allocator;
    throw new ReplayError("cachegrind-failed", name, `${name} under cachegrind: ${cause.message}`, { cause });
  });
  const hello = stdout
    .split("\n")
    .map(parseFrame)
    .find((frame) => frame?.frame === "hello");
  const answering = hello?.frame === "hello" ? wrongLibrary(allocator, hello) : undefined;
  if (answering !== undefined) throw preloadError(allocator, answering, stderr);
  const found = /D1\s+misses:\s+([\d,]+)/.exec(stderr);
  if (found === null)
    throw new ReplayError(
      "no-cachegrind-figures",
      allocator.name,
      "cachegrind did not tell the misses of the data cache",
    );
  return Number((found[1] as string).replaceAll(",", ""));
}

/** What ours and malloc miss beyond the empty loop. */
export async function dataMisses(
  lab: Lab,
  load: Load,
  seed: number,
): Promise<{ readonly ours: number; readonly malloc: number } | NotMeasured> {
  try {
    await run("valgrind", ["--version"]);
  } catch {
    return { why: "needs cachegrind (apt-get install valgrind)" };
  }
  const plan = await lab.plan(load, seed);
  const [malloc] = chooseAllocators(["malloc"]).allocators;
  const bare = await missesOf(NONE, plan.path, lab);
  const ours = await missesOf(lab.allocator(load.subject), plan.path, lab);
  const others = await missesOf(malloc as Allocator, plan.path, lab);
  return { ours: ours - bare, malloc: others - bare };
}
