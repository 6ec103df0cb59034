/** What builds and runs the native tests: shared by `npm test` and `npm run coverage`. */
import { existsSync, readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, relative } from "node:path";
import { execute, inParallel, root, StepError } from "./steps.mjs";

export const width = availableParallelism();

export function filesUnder(folder, pattern) {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && pattern.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .sort();
}

/** The test programs that CMakeLists makes: one for each folder of test/native with tests in it. */
export function nativeTestPrograms() {
  const folders = new Set(filesUnder("test/native", /_test\.cc$/).map((file) => file.split("/")[2]));
  return [...folders].map((folder) => `${folder}_test`);
}

export const preloadLibraries = () =>
  filesUnder("test/native/preload", /\.cc$/).map((file) => /(\w+)\.cc$/.exec(file)[1]);

export async function cmake(folder, settings, targets, env = {}) {
  await execute("cmake", ["-S", ".", "-B", folder, ...settings.map((setting) => `-D${setting}`)], { env });
  await execute("cmake", ["--build", folder, "--parallel", String(width), "--target", ...targets]);
}

/** Runs GoogleTest programs of a build folder, and gives back how many tests passed. */
export async function runNativeTests(folder, programs, launcher, env) {
  let passed = 0;
  await inParallel(programs, width, async (program) => {
    const path = join(folder, "Release", program);
    const [command, ...args] = [...launcher, path, "--gtest_brief=1"];
    const output = await execute(command, args, { env });
    const count = Number(/\[ {2}PASSED {2}\] (\d+) tests?/.exec(output)?.[1] ?? 0);
    if (count === 0) throw new StepError(`${path} ran no test`, output);
    passed += count;
  });
  return passed;
}
