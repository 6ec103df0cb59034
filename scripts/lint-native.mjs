/**
 * clang-tidy over native/, in a fifth of the time that it takes file by file: most of that is the standard library,
 * again for every file. So the files of a folder that are compiled alike are read as one. The names in a folder's
 * unnamed namespaces must differ for it, as they do for a reader.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, relative, sep } from "node:path";
import { execute, inParallel, root } from "./steps.mjs";

const lintFolder = join("build", "lint");
const maxFilesTogether = 14;
/** Each file alone: one defines functions that another sees declared by the C library's headers. */
const apart = new Set(["interpose"]);

/** [{ folder, directory, flags, files }] of the release build's compile_commands.json: each file once, the units
 * that take longest first. */
function unitsOf(commands) {
  const seen = new Set();
  const units = new Map();
  for (const { directory, command, file } of commands) {
    const [top, folder] = relative(root, file).split(sep);
    if (top !== "native" || seen.has(file)) continue;
    seen.add(file);
    // What comes before "-o OBJECT -c FILE".
    const flags = command.slice(0, command.lastIndexOf(" -o "));
    const key = `${folder} ${flags}`;
    let unit = units.get(key)?.at(-1);
    if (unit === undefined || unit.files.length === (apart.has(folder) ? 1 : maxFilesTogether)) {
      unit = { folder, directory, flags, files: [] };
      units.set(key, [...(units.get(key) ?? []), unit]);
    }
    unit.files.push(file);
  }
  return [...units.values()].flat().sort((a, b) => b.files.length - a.files.length);
}

export async function lintNative() {
  const commands = JSON.parse(readFileSync(join(root, "build", "compile_commands.json"), "utf8"));
  const units = unitsOf(commands);
  rmSync(join(root, lintFolder), { recursive: true, force: true });
  mkdirSync(join(root, lintFolder), { recursive: true });
  const database = units.map(({ folder, directory, flags, files }, index) => {
    const file = join(root, lintFolder, `${folder}-${index}.cc`);
    writeFileSync(file, files.map((path) => `#include "${path}"\n`).join(""));
    return { directory, command: `${flags} -c ${file}`, file };
  });
  writeFileSync(join(root, lintFolder, "compile_commands.json"), JSON.stringify(database, null, 1));
  await inParallel(database, availableParallelism(), ({ file }) =>
    execute("clang-tidy", ["-p", lintFolder, "--quiet", "--extra-arg=-Wno-unknown-warning-option", file]),
  );
}
