/**
 * Real programs on the drop-in malloc: each is put to work on glibc's malloc, on ours, and on ours with little address
 * space, and has to answer the same each time. As root it installs what lacks.
 *
 * npm run test:programs [-- redis postgres mariadb sqlite python node g++]
 */
import { basename } from "node:path";
import { GLIBC, OURS, preloads } from "./programs/allocators.js";
import { CHECKS, type Check } from "./programs/checks.js";
import { preloaded } from "./programs/program.js";
import { install, openSession } from "./programs/session.js";
// @ts-expect-error: plain JavaScript, for scripts that run before anything is installed
import { runScript, StepError, step } from "./steps.mjs";

const limitKib = 4_000_000;
const underLimit = ["/bin/sh", "-c", `ulimit -v ${limitKib} && exec "$@"`, "sh"];
const family = /^(malloc|calloc|realloc|free|posix_memalign|aligned_alloc|memalign|malloc_usable_size)$/;

const [ours, glibc] = preloads([OURS, GLIBC]) as [
  ReturnType<typeof preloads>[0],
  ReturnType<typeof preloads>[0],
];

/** Runs the check on an allocator in a folder of its own. */
async function answer(check: Check, preload: typeof ours, under: readonly string[] = []): Promise<string> {
  const session = openSession(check.user);
  try {
    return await check.run(session, preloaded(session, preload, under));
  } finally {
    await session.end();
  }
}

/**
 * Asks the loader what every call of the family in the program and its libraries is bound to. It has to be our library
 * alone: a program can bring an allocator along, and one with names of its own would never come by.
 */
async function everyCallIsOurs(check: Check): Promise<string> {
  const session = openSession(check.user);
  try {
    const out = `${session.folder}/bindings`;
    const asking = ["env", `LD_DEBUG_OUTPUT=${out}`, "LD_DEBUG=bindings", "LD_BIND_NOW=1"];
    const launch = preloaded(session, ours, asking);
    const executable = await check.executable(session);
    const [command = "", ...args] = launch.wrap([executable, "--version"]);
    await session.run(command, args);
    const said = await session.run("sh", [
      "-c",
      `grep -h "symbol .\\(${family.source.slice(2, -2).replaceAll("|", "\\|")}\\)'" ${out}.*`,
    ]);
    const bindings = said
      .split("\n")
      .map((line) =>
        /binding file (\S+) \[\d+\] to (\S+) \[\d+\]: normal symbol `(\w+)'/.exec(line)?.slice(1),
      )
      .filter((words) => words !== undefined && family.test(words[2] ?? ""));
    // Where a program of fixed address takes the address of a function, the function is at that place of its linkage table.
    const nm = `nm -D --undefined-only "$(command -v ${executable})" | grep -E ' U (${family.source.slice(2, -2)})(@|$)'`;
    const viaTable = await session.run("sh", ["-c", `${nm} || true`]);
    const elsewhere = bindings.filter((words) => {
      const [, to = "", symbol = ""] = words ?? [];
      const own =
        basename(to) === basename(executable) && new RegExp(` U ${symbol}(@|$)`, "m").test(viaTable);
      return !own && basename(to) !== basename(ours.library);
    });
    if (elsewhere.length > 0 || bindings.length === 0) {
      const list = elsewhere.map((words) => words?.join(" ")).join("\n");
      throw new StepError(
        `${check.name}: ${elsewhere.length} of ${bindings.length} bindings are not ours`,
        list,
      );
    }
    return `${bindings.length} bindings, all ours`;
  } finally {
    await session.end();
  }
}

async function same(check: Check, expected: string, under: readonly string[]): Promise<string> {
  const got = await answer(check, ours, under);
  if (got !== expected) throw new StepError(`${check.name} answered ${got}, and ${expected} on glibc`);
  return "the same";
}

async function sameUnderLimit(check: Check, expected: string): Promise<string> {
  try {
    return await same(check, expected, underLimit);
  } catch (error) {
    const unmodified = await answer(check, glibc, underLimit).catch(() => undefined);
    if (unmodified !== undefined) throw error;
    return "cannot run so on glibc either";
  }
}

await runScript(async () => {
  const names = process.argv.slice(2);
  const known = CHECKS.map(({ name }) => name);
  const wrong = names.find((name) => !known.includes(name));
  if (wrong !== undefined) throw new StepError(`there is no "${wrong}" here: ${known.join(", ")}`);
  const failures: string[] = [];
  for (const check of CHECKS) {
    if (names.length > 0 && !names.includes(check.name)) continue;
    try {
      await step(`${check.name}: packages`, () => install(check));
      await step(`${check.name}: calls of malloc`, () => everyCallIsOurs(check));
      const expected: string = await step(`${check.name}: on glibc`, () => answer(check, glibc));
      await step(`${check.name}: on ours`, () => same(check, expected, []));
      await step(`${check.name}: on ours, ulimit -v ${limitKib}`, () => sameUnderLimit(check, expected));
    } catch (error) {
      const { message, output } = error as Error & { output?: string };
      process.stdout.write(`${output ?? ""}\n  FAILED: ${message}\n`);
      failures.push(`${check.name}: ${message}`);
    }
  }
  if (failures.length > 0) throw new StepError(failures.join("\n"));
});
