import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { type Allocator, chooseAllocators, NONE } from "../../engine/allocators.js";
import { replayExecutable } from "../../engine/replayer.js";
import { UserError } from "../../errors.js";
import type { NotMeasured } from "./claim.js";
import type { Lab, Load } from "./lab.js";

const run = promisify(execFile);

/** Misses of the first level's data cache in two passes over a plan. Throws UserError `no-cachegrind-figures`. */
async function missesOf(allocator: Allocator, plan: string, lab: Lab): Promise<number> {
  await lab.show(`${allocator.name} under cachegrind`);
  const { stderr } = await run(
    "valgrind",
    [
      ...["--tool=cachegrind", "--cache-sim=yes", "--cachegrind-out-file=/dev/null"],
      ...[replayExecutable(), "--plan", plan, "--route", allocator.route],
      ...["--mode", "timed", "--order", "recorded", "--warm", "1", "--parent-death"],
    ],
    {
      env: {
        PATH: "/usr/bin:/bin",
        LC_ALL: "C",
        ...allocator.environment,
        ...(allocator.library === undefined ? {} : { LD_PRELOAD: allocator.library.path }),
      },
      signal: lab.signal,
      maxBuffer: 1 << 24,
    },
  );
  const found = /D1\s+misses:\s+([\d,]+)/.exec(stderr);
  if (found === null)
    throw new UserError("no-cachegrind-figures", "cachegrind did not tell the misses of the data cache");
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
