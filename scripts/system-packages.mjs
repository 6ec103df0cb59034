/**
 * The packages of the system that the project needs: a compiler and cmake to build, the peer allocators to compare
 * with, and for the tests clang's tools, GoogleTest, tmux, valgrind, Chromium, sqlite3 and its header. Installs what lacks with apt when it runs as root
 * on a Debian-like system; otherwise says exactly what to install. Peers are optional: without them it goes on.
 *
 * As a program: node scripts/system-packages.mjs [run|test]
 */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { arch } from "node:os";
import { delimiter, join } from "node:path";
import { execute, runScript, StepError } from "./steps.mjs";

function onPath(name) {
  return (process.env.PATH ?? "")
    .split(delimiter)
    .some((folder) => folder !== "" && existsSync(join(folder, name)));
}

function libraryFolders() {
  const multiarch = readdirSync("/usr/lib").filter((name) => /-linux-gnu/.test(name));
  return ["/usr/local/lib", "/usr/lib64", "/usr/lib", ...multiarch.map((name) => join("/usr/lib", name))];
}

const hasLibrary = (name) => libraryFolders().some((folder) => existsSync(join(folder, name)));

/** Major version of the installed clang, or undefined. */
function clangMajor() {
  const { status, stdout } = spawnSync("clang", ["-dumpversion"], { encoding: "utf8" });
  return status === 0 ? stdout.trim().split(".")[0] : undefined;
}

/** clang finds the runtime of its sanitizers and of libFuzzer (a file it can't find is printed without a folder). */
function hasClangRuntime() {
  const machine = arch() === "arm64" ? "aarch64" : "x86_64";
  const library = `libclang_rt.fuzzer-${machine}.a`;
  const { status, stdout } = spawnSync("clang", [`-print-file-name=${library}`], { encoding: "utf8" });
  return status === 0 && stdout.startsWith("/");
}

const build = [
  { apt: "g++", what: "a C++20 compiler", has: () => onPath("g++") || onPath("clang++") },
  { apt: "cmake", what: "cmake", has: () => onPath("cmake") },
  { apt: "make", what: "make", has: () => onPath("make") || onPath("ninja") },
];

const peers = [
  { apt: "libjemalloc2", what: "jemalloc", has: () => hasLibrary("libjemalloc.so.2") },
  { apt: "libmimalloc2.0", what: "mimalloc", has: () => hasLibrary("libmimalloc.so.2.0") },
  { apt: "libtcmalloc-minimal4", what: "tcmalloc", has: () => hasLibrary("libtcmalloc_minimal.so.4") },
  { apt: "libtbbmalloc2", what: "tbbmalloc", has: () => hasLibrary("libtbbmalloc_proxy.so.2") },
];

const test = [
  { apt: "clang", what: "clang", has: () => onPath("clang++") },
  { apt: "clang-format", what: "clang-format", has: () => onPath("clang-format") },
  { apt: "clang-tidy", what: "clang-tidy", has: () => onPath("clang-tidy") },
  {
    apt: "libgtest-dev",
    what: "GoogleTest",
    has: () => existsSync("/usr/include/gtest/gtest.h") && hasLibrary("libgtest_main.a"),
  },
  { apt: "tmux", what: "tmux", has: () => onPath("tmux") },
  { apt: "sqlite3", what: "sqlite3", has: () => onPath("sqlite3") },
  {
    apt: "libsqlite3-dev",
    what: "SQLite's header and libraries",
    has: () => existsSync("/usr/include/sqlite3.h") && hasLibrary("libsqlite3.a"),
  },
  { apt: "util-linux", what: "setarch", has: () => onPath("setarch") },
  { apt: "valgrind", what: "valgrind", has: () => onPath("valgrind") },
  {
    apt: "chromium",
    what: "Chromium",
    has: () => ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"].some(onPath),
  },
];

/** Known once clang itself is there, because the package carries its version. */
const clangRuntime = () => ({
  apt: `libclang-rt-${clangMajor() ?? "14"}-dev`,
  what: "clang's sanitizer and fuzzer runtime",
  has: hasClangRuntime,
});

const lacking = (packages) => packages.filter((one) => !one.has());
const names = (packages) => packages.map((one) => one.apt).join(" ");
const isRoot = () => process.getuid?.() === 0;
const installWords = (packages) =>
  onPath("apt-get")
    ? `install them with: sudo apt-get install -y ${names(packages)}`
    : `install them with your system's package manager (Debian's names: ${names(packages)})`;

let listsAreFresh = false;

async function aptInstall(packages) {
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  if (!listsAreFresh) {
    await execute("apt-get", ["update", "-qq"], { env });
    listsAreFresh = true;
  }
  const names = packages.map((one) => one.apt);
  await execute("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...names], { env });
}

async function demand(packages) {
  const missing = lacking(packages);
  if (missing.length === 0) return [];
  if (!isRoot() || !onPath("apt-get")) {
    const what = missing.map((one) => one.what).join(", ");
    throw new StepError(`missing: ${what}. Please ${installWords(missing)}`);
  }
  await aptInstall(missing);
  const still = lacking(missing);
  if (still.length > 0) throw new StepError(`apt installed ${names(still)}, and they are still not found`);
  return missing;
}

async function wishFor(packages) {
  const missing = lacking(packages);
  if (missing.length === 0) return [];
  if (!isRoot() || !onPath("apt-get")) {
    const what = missing.map((one) => one.what).join(", ");
    process.stdout.write(`  going on without ${what}; to compare with them, ${installWords(missing)}\n`);
    return [];
  }
  const installed = [];
  // One by one: a peer that this release does not carry must not take the others with it.
  for (const one of missing) {
    try {
      await aptInstall([one]);
      installed.push(one);
    } catch (error) {
      if (!(error instanceof StepError)) throw error;
      process.stdout.write(`  going on without ${one.what}: apt could not install ${one.apt}\n`);
    }
  }
  return installed;
}

/** Makes the packages of `purpose` ("run" or "test") available; returns a line that says what was done. */
export async function ensureSystemPackages(purpose) {
  const installed = [...(await demand(build)), ...(await wishFor(peers))];
  if (purpose === "test") {
    installed.push(...(await demand(test)));
    installed.push(...(await demand([clangRuntime()])));
  }
  return installed.length > 0 ? `installed ${names(installed)}` : "all there";
}

if (process.argv[1] === import.meta.filename) {
  await runScript(async () => {
    const purpose = process.argv[2] ?? "run";
    if (purpose !== "run" && purpose !== "test") throw new StepError("usage: system-packages.mjs [run|test]");
    process.stdout.write(`system packages: ${await ensureSystemPackages(purpose)}\n`);
  });
}
