/**
 * Makes a fresh clone ready to run or to test: system packages, npm packages, native build, TypeScript build. Each
 * step does only what is not done yet.
 */
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { execute, root, step } from "./steps.mjs";
import { ensureSystemPackages } from "./system-packages.mjs";

/** npm leaves a copy of the lock file in what it installed; older than ours means that ours has changed since. */
function npmPackagesAreCurrent() {
  const installed = join(root, "node_modules", ".package-lock.json");
  const wanted = [join(root, "package-lock.json"), join(root, "package.json")];
  return (
    existsSync(installed) && wanted.every((file) => statSync(file).mtimeMs <= statSync(installed).mtimeMs)
  );
}

/** The release build of everything that the tool itself needs. `purpose` is "run" or "test". */
export async function prepare(purpose) {
  await step("system packages", () => ensureSystemPackages(purpose));
  await step("npm packages", async () => {
    if (npmPackagesAreCurrent()) return "all there";
    // Without install scripts: the one that matters, our own native build, is the next step.
    await execute("npm", ["ci", "--ignore-scripts"]);
    return "installed";
  });
  await step("native build", async () => {
    await execute(process.execPath, [join("scripts", "build-native.mjs")]);
  });
  await step("TypeScript build", async () => {
    // With the manual page, which the built tool prints.
    await execute("npm", ["run", "--silent", "build:ts"]);
  });
}
