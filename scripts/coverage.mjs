/**
 * npm run coverage: how many tests there are, and what share of the lines they run, native and TypeScript. Writes
 * coverage/summary.json, which `rustydb-mem bench claims` reads.
 *
 * Native lines are those of native/ that the GoogleTest programs are linked with, built by clang; what only the addon,
 * the preloaded libraries and the executables have is not in them. Lines of TypeScript are those that run in the test
 * process itself, not those of the tool that a test starts.
 *
 * --native PROGRAM… and --typescript FILE… run only a part, and write no summary.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { cmake, nativeTestPrograms, preloadLibraries, runNativeTests } from "./native-tests.mjs";
import { execute, root, runScript, StepError, step } from "./steps.mjs";

const folder = join("build", "coverage");
const output = "coverage";
const percent = (share) => `${(100 * share).toFixed(1)} %`;

/** @param programs names of test programs, such as base_test */
async function native(programs) {
  const flags = "-fprofile-instr-generate -fcoverage-mapping -fprofile-update=atomic";
  const settings = ["RMEM_TESTS=ON", "CMAKE_CXX_COMPILER=clang++", `CMAKE_CXX_FLAGS=${flags}`];
  await cmake(folder, settings, [...programs, ...preloadLibraries(), "rustydb-mem-replay"]);
  const profiles = join(root, folder, "profiles");
  rmSync(profiles, { recursive: true, force: true });
  // A file a process: tests start others, and fork.
  const env = { LLVM_PROFILE_FILE: join(profiles, "%p-%m.profraw") };
  const tests = await runNativeTests(folder, programs, [], env);
  const raw = readdirSync(profiles).map((name) => join(profiles, name));
  if (raw.length === 0) throw new StepError("the native tests left no profile");
  const merged = join(folder, "tests.profdata");
  // A process that was killed, as some tests do, leaves half a file.
  await execute("llvm-profdata", ["merge", "--sparse", "--failure-mode=all", "-o", merged, ...raw]);
  const [first, ...others] = programs.map((name) => join(folder, "Release", name));
  const exported = await execute("llvm-cov", [
    ...["export", "--summary-only", `--instr-profile=${merged}`, first],
    ...others.map((path) => `--object=${path}`),
    join(root, "native"),
  ]);
  const { lines } = JSON.parse(exported).data[0].totals;
  return { tests, share: lines.covered / lines.count };
}

async function typescript(files) {
  if (!existsSync(join(root, "node_modules", "@vitest", "coverage-v8"))) {
    const { version } = JSON.parse(
      readFileSync(join(root, "node_modules", "vitest", "package.json"), "utf8"),
    );
    throw new StepError(
      `the coverage provider of vitest is not installed: npm install --save-dev @vitest/coverage-v8@${version}`,
    );
  }
  const report = join(folder, "vitest.json");
  mkdirSync(join(root, folder), { recursive: true });
  await execute(
    join("node_modules", ".bin", "vitest"),
    [
      ...["run", "--reporter=default", "--reporter=json", `--outputFile.json=${report}`],
      ...["--coverage.enabled", "--coverage.provider=v8", "--coverage.include=src/**"],
      ...["--coverage.reporter=json-summary", `--coverage.reportsDirectory=${join(output, "typescript")}`],
      ...files,
    ],
    { show: true, env: { CI: "true" } },
  );
  const { numPassedTests } = JSON.parse(readFileSync(join(root, report), "utf8"));
  const summary = join(root, output, "typescript", "coverage-summary.json");
  const { lines } = JSON.parse(readFileSync(summary, "utf8")).total;
  return { tests: numPassedTests, share: lines.covered / lines.total };
}

await runScript(async () => {
  const { values, positionals } = parseArgs({
    options: { native: { type: "boolean" }, typescript: { type: "boolean" } },
    allowPositionals: true,
  });
  if (values.native && values.typescript)
    throw new StepError("of --native and --typescript only one can be asked for");
  const part = values.native || values.typescript;
  if (!part && positionals.length > 0)
    throw new StepError("a part is asked for by --native PROGRAM… or --typescript FILE…");
  const programs = part && positionals.length > 0 ? positionals : nativeTestPrograms();
  const shown = (what, work) =>
    step(what, async () => {
      const { tests, share } = await work();
      process.stdout.write(`  ${tests} tests, ${percent(share)} of the lines\n`);
      return { tests, share };
    });
  const ofNative = values.typescript
    ? undefined
    : await shown("native tests with coverage", () => native(programs));
  const ofTypescript = values.native
    ? undefined
    : await shown("TypeScript tests with coverage", () => typescript(part ? positionals : []));
  if (ofNative === undefined || ofTypescript === undefined) return;
  const summary = {
    tests: ofNative.tests + ofTypescript.tests,
    nativeLines: ofNative.share,
    typescriptLines: ofTypescript.share,
  };
  mkdirSync(join(root, output), { recursive: true });
  writeFileSync(join(root, output, "summary.json"), `${JSON.stringify(summary, null, 2)}\n`);
});
