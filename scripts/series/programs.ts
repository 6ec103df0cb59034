import { join } from "node:path";
import { packageRoot } from "../../src/native.js";
import { GIB, MIB, type SeriesLoad, type Session } from "./load.js";

const folder = `${packageRoot}scripts/series/`;

async function startWords(
  session: Session,
  command: string,
  args: readonly string[],
): Promise<{ pid: number; drive: () => Promise<void> }> {
  const program = session.start(command, args);
  return {
    pid: program.child.pid as number,
    drive: async () => {
      await program.ended;
    },
  };
}

/** A mode of memory_load.c, which goes on until it is stopped. */
const inC = (name: string, limitBytes: number, what: string): SeriesLoad => ({
  name,
  packages: ["gcc"],
  needs: ["cc"],
  limitBytes,
  what,
  version: async (session) => (await session.run("cc", ["--version"])).split("\n")[0] ?? "cc",
  async start(session, clock) {
    const program = join(session.folder, "memory_load");
    await session.run("cc", ["-O2", "-o", program, `${folder}memory_load.c`, "-lm"]);
    return startWords(session, program, [name, `${clock.random.nextUint32()}`, join(session.folder, "data")]);
  },
});

export const leak: SeriesLoad = inC(
  "leak",
  700 * MIB,
  "a server in C whose requests come in waves, and which loses one block in twenty",
);

export const batchJobs: SeriesLoad = inC(
  "batch-jobs",
  1.25 * GIB,
  "jobs in C of very different sizes, which grow for up to a minute; one in the 32nd minute is too large",
);

export const pageCache: SeriesLoad = inC(
  "page-cache",
  384 * MIB,
  "a program in C that reads and writes 2 GiB of files through the page cache and by mmap, with buffers of its own",
);

export const nodeSawtooth: SeriesLoad = {
  name: "node-sawtooth",
  packages: [],
  needs: [],
  limitBytes: 700 * MIB,
  what: "a program on Node.js that makes garbage, and keeps a cache that is dropped every few minutes",
  version: async () => `node ${process.version}`,
  start: (session, clock) =>
    startWords(session, process.execPath, [
      ...["--max-old-space-size=600", `${folder}sawtooth.mjs`, `${clock.random.nextUint32()}`],
    ]),
};
