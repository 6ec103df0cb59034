/**
 * Builds the native half into build/Release: the addon, the replay executable, the recorder library and its collector, the drop-in
 * malloc and the C library. Does nothing that is already done. npm runs it as the install script of a packed tarball, so it stands on Node's builtins and on
 * cmake-js, and on no other script.
 *
 * As a program: node scripts/build-native.mjs [--if-missing]
 *   --if-missing   build only when one of them is not there
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const buildFolder = join(root, "build");
const products = [
  "rustydb_mem.node",
  "rustydb-mem-replay",
  "librustydb_mem_record.so",
  "rustydb-mem-collector",
  "librustydb_malloc.so",
  "librustydb_mem.so",
  "librustydb_mem.a",
];

const onPath = (name) =>
  (process.env.PATH ?? "").split(delimiter).some((folder) => folder !== "" && existsSync(join(folder, name)));

/** What the build needs of the system and does not find, each with the package that Debian has it in. */
function missingTools() {
  const missing = [];
  const compilers = process.env.CXX ? [process.env.CXX.split(" ")[0]] : ["c++", "g++", "clang++"];
  if (!compilers.some((name) => existsSync(name) || onPath(name))) missing.push(["a C++20 compiler", "g++"]);
  if (!onPath("cmake")) missing.push(["cmake (3.18 or newer)", "cmake"]);
  if (!onPath("make") && !onPath("ninja")) missing.push(["make", "make"]);
  return missing;
}

function cmakeJsPath() {
  try {
    const manifest = createRequire(import.meta.url).resolve("cmake-js/package.json");
    return join(dirname(manifest), JSON.parse(readFileSync(manifest, "utf8")).bin["cmake-js"]);
  } catch {
    return undefined;
  }
}

/** A cache that was made for another folder (the tree was moved or copied) can't be built upon. */
function dropForeignCache() {
  const cache = join(buildFolder, "CMakeCache.txt");
  if (!existsSync(cache)) return;
  const text = readFileSync(cache, "utf8");
  const home = /^CMAKE_HOME_DIRECTORY:INTERNAL=(.*)$/m.exec(text)?.[1];
  if (home !== root || !text.includes("CMAKE_JS_VERSION")) rmSync(buildFolder, { recursive: true });
}

function fail(sentence) {
  process.stderr.write(`rustydb-mem: ${sentence}\n`);
  process.exit(1);
}

function build() {
  const missing = missingTools();
  if (missing.length > 0) {
    const what = missing.map(([tool]) => tool).join(" and ");
    const packages = missing.map(([, name]) => name).join(" ");
    fail(
      `building the native part needs ${what}; on Debian: apt-get install -y ${packages}. Then run npm install again.`,
    );
  }
  const cmakeJs = cmakeJsPath();
  if (cmakeJs === undefined) fail("cmake-js is not installed; run npm ci --ignore-scripts first.");
  dropForeignCache();
  // `build`, not `compile`: the latter answers every compile error by deleting build/, sanitizer builds included.
  const args = [cmakeJs, "build", "--log-level", "warn", "--parallel", String(availableParallelism())];
  const { status, error } = spawnSync(process.execPath, args, {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
  });
  if (error) throw error;
  if (status !== 0) fail("the native build failed; the compiler's words are above.");
  const absent = products.filter((name) => !existsSync(join(buildFolder, "Release", name)));
  if (absent.length > 0) fail(`the native build ended without making ${absent.join(", ")}.`);
}

const ifMissing = process.argv.includes("--if-missing");
if (!ifMissing || !products.every((name) => existsSync(join(buildFolder, "Release", name)))) build();
