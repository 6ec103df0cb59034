import type { Random } from "../../src/statistics/random.js";
import type { Preload } from "./allocators.js";
import { type Figures, type Launch, type Load, type Program, preloaded } from "./program.js";
import { install, openSession, type Session } from "./session.js";

/** The rounds of every allocator on the loads of a program, in random order within each round. */

export interface Run extends Figures {
  readonly load: string;
  readonly round: number;
  readonly allocator: string;
}

export interface ProgramRuns {
  readonly name: string;
  readonly version: string;
  readonly loads: readonly Load[];
  readonly runs: readonly Run[];
}

export interface Plan {
  readonly preloads: readonly Preload[];
  readonly rounds: number;
  /** Share of each load's operations. */
  readonly size: number;
  readonly random: Random;
  /** Called with a word about what comes next. */
  progress(line: string): void;
}

/** What else a caller runs in the session once the rounds are over. */
export type Afterwards = (
  session: Session,
  run: (load: string, launch: Launch) => Promise<Figures>,
) => Promise<void>;

/**
 * Runs the loads of the program, each time in a process of its own; one run of each load before the rounds does not
 * count, so that files are in the page cache for all.
 */
export async function runRounds(
  program: Program,
  loads: readonly Load[],
  { preloads, rounds, size, random, progress }: Plan,
  afterwards: Afterwards = async () => undefined,
): Promise<ProgramRuns> {
  progress(`${program.name}: ${await install(program)}`);
  const session = openSession(program.user);
  try {
    const version = await program.version(session);
    const runner = await program.prepare(session, size);
    const runs: Run[] = [];
    for (let round = 0; round <= rounds; round += 1) {
      for (const load of loads) {
        const order = random.shuffled(preloads);
        for (const preload of round === 0 ? order.slice(0, 1) : order) {
          progress(`${program.name} ${load.name}: round ${round} of ${rounds}, ${preload.name}`);
          const figures = await runner(load.name, preloaded(session, preload));
          if (round > 0) runs.push({ load: load.name, round, allocator: preload.name, ...figures });
        }
      }
    }
    await afterwards(session, runner);
    return { name: program.name, version, loads, runs };
  } finally {
    await session.end();
  }
}
