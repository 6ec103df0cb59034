/**
 * npm test: everything that must hold, in one command, on a fresh clone too. Runs the steps one after the other and
 * stops at the first that fails. Native tests run under AddressSanitizer with UBSan and under ThreadSanitizer; the
 * last line counts steps, native tests and TypeScript tests together.
 *
 * npm test -- WORD… runs only the steps with one of the words in their name (and no set-up).
 */
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { checkInstructions } from "./instructions.mjs";
import { lintNative } from "./lint-native.mjs";
import {
  cmake,
  filesUnder,
  nativeTestPrograms,
  preloadLibraries,
  runNativeTests,
  width,
} from "./native-tests.mjs";
import { prepare } from "./setup.mjs";
import { execute, inParallel, root, runScript, StepError, step } from "./steps.mjs";

const bin = (name) => join("node_modules", ".bin", name);
const fuzzSecondsEach = Number(process.env.FUZZ_SECONDS ?? 2);

const fuzzTargets = () => filesUnder("test/fuzz", /_fuzz\.cc$/).map((file) => /(\w+)\.cc$/.exec(file)[1]);

/** Built by clang, in one folder with the fuzz targets: half the time that g++ takes, and the libraries but once. */
const addressFolder = join("build", "asan");
const addressTargets = () => [
  ...nativeTestPrograms(),
  ...preloadLibraries(),
  ...fuzzTargets(),
  "rustydb-mem-replay",
];

async function addressTests() {
  const settings = [
    "RMEM_TESTS=ON",
    "RMEM_FUZZ=ON",
    "RMEM_SANITIZE=address;undefined",
    "CMAKE_CXX_COMPILER=clang++",
  ];
  await cmake(addressFolder, settings, addressTargets());
  const env = { ASAN_OPTIONS: "detect_stack_use_after_return=1" };
  return { count: await runNativeTests(addressFolder, nativeTestPrograms(), [], env) };
}

/** The floors that start threads. */
const threadedPrograms = () =>
  nativeTestPrograms().filter((name) => /^(os|alloc|replay|recording|api)_/.test(name));

async function threadTests() {
  const folder = join("build", "tsan");
  const targets = [...threadedPrograms(), ...preloadLibraries(), "rustydb-mem-replay"];
  await cmake(folder, ["RMEM_TESTS=ON", "RMEM_SANITIZE=thread", "CMAKE_CXX_COMPILER=clang++"], targets);
  // Without address randomisation: the ThreadSanitizer of older compilers can't live with many random bits.
  const env = { TSAN_OPTIONS: "halt_on_error=1" };
  return { count: await runNativeTests(folder, threadedPrograms(), ["setarch", "-R"], env) };
}

async function fuzz() {
  await inParallel(fuzzTargets(), width, async (target) => {
    const corpus = join(addressFolder, "corpus", target);
    const seeds = join("test", "fuzz", "corpus", target.replace(/_fuzz$/, ""));
    mkdirSync(join(root, corpus), { recursive: true });
    // What is found goes into the first folder; the others are only read.
    await execute(join(addressFolder, "Release", target), [
      corpus,
      ...(existsSync(join(root, seeds)) ? [seeds] : []),
      `-max_total_time=${fuzzSecondsEach}`,
      "-timeout=10",
      "-rss_limit_mb=1024",
      `-artifact_prefix=${addressFolder}/`,
    ]);
  });
  return { count: fuzzTargets().length };
}

async function vitest() {
  const report = join("build", "vitest.json");
  const args = ["run", "--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  await execute(bin("vitest"), args, { show: true, env: { CI: "true" } });
  const { numPassedTests } = JSON.parse(readFileSync(join(root, report), "utf8"));
  if (numPassedTests === 0) throw new StepError("vitest ran no test");
  return { count: numPassedTests };
}

/** [name, work]; work may give back { count } of the tests it ran, and counts as one otherwise; or { skipped }, why it
 * did nothing. */
const steps = [
  ["format and lint: biome", () => execute(bin("biome"), ["ci", "."])],
  [
    "format: clang-format",
    () =>
      execute("clang-format", [
        "--dry-run",
        "--Werror",
        ...filesUnder("native", /\.(cc|h)$/),
        ...filesUnder("test", /\.(cc|h)$/),
      ]),
  ],
  ["types: tsc", () => execute(bin("tsc"), ["-p", "tsconfig.check.json"])],
  ["dead code: knip", () => execute(bin("knip"), [])],
  ["lint: clang-tidy", lintNative],
  ["native tests: ASan and UBSan", addressTests],
  ["fuzz (needs the build of the step before)", fuzz],
  ["native tests: TSan", threadTests],
  ["instructions of the hot paths: callgrind", checkInstructions],
  ["TypeScript tests and the tool itself: vitest", vitest],
];

await runScript(async () => {
  const words = process.argv.slice(2);
  const wanted = steps.filter(([name]) => words.length === 0 || words.some((word) => name.includes(word)));
  if (wanted.length === 0) throw new StepError(`no step is named like ${words.join(" ")}`);
  if (words.length === 0) await prepare("test");
  let passed = 0;
  let skipped = 0;
  for (const [name, work] of wanted) {
    try {
      await step(name, async () => {
        const result = await work();
        if (result?.skipped !== undefined) {
          skipped += 1;
          return `SKIPPED: ${result.skipped}`;
        }
        const count = result?.count ?? 1;
        passed += count;
        return count === 1 ? undefined : `${count} passed`;
      });
    } catch (error) {
      if (!(error instanceof StepError)) throw error;
      process.stderr.write(`${error.output}\n`);
      process.stdout.write(`${passed} passed, 1 failed\n`);
      throw new StepError(`${name}: ${error.message}`);
    }
  }
  process.stdout.write(`${passed} passed, 0 failed${skipped > 0 ? `, ${skipped} skipped` : ""}\n`);
});
