/**
 * Counts the instructions of the allocators' hot paths (test/bench/hot_path_bench.cc under callgrind) and compares
 * them with test/golden/instructions.json, which has them by compiler, C library and machine. Counts say nothing of
 * caches and branches, but they are the same on every run, busy machine or not.
 *
 * As a program: node scripts/instructions.mjs [--update]
 *   --update   write what was counted into the golden file
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { execute, root, runScript, StepError } from "./steps.mjs";

const goldenFile = join(root, "test", "golden", "instructions.json");
const program = join("build", "Release", "hot_path_bench");
const updateCommand = "npm run bench:instructions -- --update";

/** A count may grow by so much, and may shrink by so much before the golden one has to follow. */
const maxGrowth = 0.02;
const maxShrinkage = 0.05;

/** The instructions of every part of a run, in order, out of the files that callgrind wrote into `folder`. */
function readParts(folder) {
  const parts = [];
  for (const name of readdirSync(folder)) {
    const text = readFileSync(join(folder, name), "utf8");
    const part = /^part: (\d+)$/m.exec(text);
    const total = /^totals: (\d+)$/m.exec(text);
    if (part !== null && total !== null) parts[Number(part[1])] = Number(total[1]);
  }
  return parts.slice(1);
}

/** { key, counts }: what the counts depend on, and instructions an operation by the name of the loop. */
async function countInstructions() {
  await execute("cmake", ["--build", "build", "--target", "hot_path_bench"]);
  const folder = mkdtempSync(join(tmpdir(), "instructions-"));
  try {
    // The C library chooses its memset by the processor: here always the plainest.
    const env = { GLIBC_TUNABLES: "glibc.cpu.hwcaps=-AVX,-AVX2,-AVX512F,-AVX512VL,-ERMS,-FSRM" };
    const output = await execute(
      "valgrind",
      [
        "--tool=callgrind",
        `--callgrind-out-file=${join(folder, "out")}`,
        "--dump-before=BetweenLoops",
        program,
      ],
      { env },
    );
    const lines = output.split("\n").filter((line) => !line.startsWith("=="));
    const key = lines.find((line) => line.includes("glibc-"))?.trim();
    const loops = lines.map((line) => line.split("\t")).filter((fields) => fields.length === 3);
    const parts = readParts(folder);
    // A part ends before each call of BetweenLoops, three a loop, and one more at the end of the program.
    if (key === undefined || loops.length === 0 || parts.length !== 3 * loops.length + 1) {
      throw new StepError(`callgrind gave ${parts.length} parts for ${loops.length} loops`, output);
    }
    const counts = loops.map(([name, short, long], i) => {
      const difference = parts[3 * i + 2] - parts[3 * i + 1];
      return [name, Math.round((100 * difference) / (Number(long) - Number(short))) / 100];
    });
    return { key, counts: Object.fromEntries(counts) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const readGolden = () => JSON.parse(readFileSync(goldenFile, "utf8"));

function verdict(golden, now) {
  if (golden === undefined) return `is new: ${updateCommand}`;
  if (now === undefined) return `is gone: ${updateCommand}`;
  if (now > golden * (1 + maxGrowth)) return `is more by ${((100 * now) / golden - 100).toFixed(1)} %`;
  if (now < golden * (1 - maxShrinkage)) return `is less: ${updateCommand}`;
  return "";
}

function table(golden, counts) {
  const names = [...new Set([...Object.keys(golden), ...Object.keys(counts)])];
  const rows = names.map((name) => [
    name,
    golden[name]?.toFixed(2) ?? "",
    counts[name]?.toFixed(2) ?? "",
    verdict(golden[name], counts[name]),
  ]);
  const lines = [["instructions an operation", "golden", "now", ""], ...rows].map(
    ([name, before, now, words]) => `${name.padEnd(40)} ${before.padStart(10)} ${now.padStart(10)}  ${words}`,
  );
  return { text: lines.map((line) => line.trimEnd()).join("\n"), good: rows.every((row) => row[3] === "") };
}

/**
 * Fails with a table where a count is not what the golden file says. Gives back { count } of the loops compared, or
 * { skipped }, a sentence, where the file has nothing for this compiler and C library.
 */
export async function checkInstructions() {
  const { key, counts } = await countInstructions();
  const golden = readGolden()[key];
  if (golden === undefined) {
    return {
      skipped: `no golden counts for ${key}, so nothing was compared; add them with ${updateCommand}`,
    };
  }
  const { text, good } = table(golden, counts);
  if (!good) {
    const where = relative(root, goldenFile);
    throw new StepError(`the hot paths for ${key} are not those of ${where}`, text);
  }
  return { count: Object.keys(counts).length };
}

async function update() {
  const { key, counts } = await countInstructions();
  const all = { ...readGolden(), [key]: counts };
  const sorted = Object.fromEntries(Object.entries(all).sort(([a], [b]) => a.localeCompare(b)));
  process.stdout.write(`${key}\n${table(readGolden()[key] ?? {}, counts).text}\n`);
  writeFileSync(goldenFile, `${JSON.stringify(sorted, null, 2)}\n`);
}

if (process.argv[1] === import.meta.filename) {
  await runScript(async () => {
    const words = process.argv.slice(2);
    if (words.some((word) => word !== "--update")) {
      throw new StepError("usage: node scripts/instructions.mjs [--update]");
    }
    if (words.includes("--update")) return update();
    const { key, counts } = await countInstructions();
    process.stdout.write(`${key}\n${table(readGolden()[key] ?? {}, counts).text}\n`);
  });
}
