import { accessSync, closeSync, constants, openSync, statSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { UserError } from "../errors.js";
import { ElfFile } from "./elf-file.js";

/** What a program file tells about itself before it runs, as far as a recorder that is preloaded cares. */
export interface ProgramFacts {
  readonly path: string;
  /** An ELF file; scripts are not, and their interpreters decide. */
  readonly elf: boolean;
  /** Has no dynamic loader, so nothing can be preloaded. */
  readonly isStatic: boolean;
  /** Of 32 bits, or for another machine: our 64-bit library can't be preloaded into it. */
  readonly foreign: boolean;
  /** Runs as somebody else than who starts it: the loader then ignores what is to be preloaded. */
  readonly changesUser: boolean;
  /** Defines malloc itself, so that its calls never leave it. */
  readonly definesMalloc: boolean;
  /** Prefixes of an allocator that is linked into it: `je_`, `_rjem_`, `mi_`, `tc_`, … */
  readonly ownAllocators: readonly string[];
  /** Prefixes of allocators whose functions it takes from a shared library; `--symbols` can record these. */
  readonly sharedAllocators: readonly string[];
}

const PREFIXED_MALLOC = /^(je_|_rjem_je_|_rjem_|mi_|tc_|tc_new_|rp)malloc$/;
// Of malloc, and of those that the pattern takes.
const SHORTEST_NAME = 6;
const LONGEST_NAME = 20;
const PREFIX_OF: Readonly<Record<string, string>> = { _rjem_je_: "_rjem_", tc_new_: "tc_" };

const MACHINES: Readonly<Record<string, number>> = {
  x64: 62,
  arm64: 183,
  riscv64: 243,
  ppc64: 21,
  s390x: 22,
};

function changesUser(path: string): boolean {
  const { mode, uid, gid } = statSync(path);
  const asOther = (mode & 0o4000) !== 0 && uid !== process.getuid?.();
  return asOther || ((mode & 0o2000) !== 0 && gid !== process.getgid?.());
}

/** Looks at a program file. Throws UserError `program-unreadable` only where nothing can be known. */
export function readProgram(path: string): ProgramFacts {
  const nothing = {
    path,
    elf: false,
    isStatic: false,
    foreign: false,
    changesUser: changesUser(path),
    definesMalloc: false,
    ownAllocators: [],
    sharedAllocators: [],
  };
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch {
    return nothing; // It may be run without being readable.
  }
  try {
    const file = ElfFile.of(fd);
    if (file === undefined) return nothing;
    const machine = MACHINES[process.arch];
    const foreign = !file.wide || (machine !== undefined && file.machine !== machine);
    if (foreign) return { ...nothing, elf: true, foreign };
    const own = new Set<string>();
    const shared = new Set<string>();
    let definesMalloc = false;
    for (const { name, defined } of file.symbols(SHORTEST_NAME, LONGEST_NAME)) {
      if (name === "malloc" && defined) definesMalloc = true;
      const prefix = PREFIXED_MALLOC.exec(name)?.[1];
      if (prefix !== undefined) (defined ? own : shared).add(PREFIX_OF[prefix] ?? prefix);
    }
    return {
      ...nothing,
      elf: true,
      isStatic: !file.hasInterpreter(),
      definesMalloc,
      ownAllocators: [...own],
      sharedAllocators: [...shared],
    };
  } finally {
    closeSync(fd);
  }
}

/**
 * The file that `name` stands for, as a shell finds it. Throws UserError `program-not-found`, `not-executable` or
 * `is-a-directory`.
 */
export function findProgram(name: string, path = process.env.PATH ?? ""): string {
  const candidates = name.includes("/")
    ? [resolve(name)]
    : path.split(delimiter).map((folder) => join(folder === "" ? "." : folder, name));
  let there: string | undefined;
  for (const candidate of candidates) {
    try {
      const status = statSync(candidate);
      if (status.isDirectory()) {
        if (name.includes("/")) {
          throw new UserError("is-a-directory", `${name} is a folder, not a program`);
        }
        continue;
      }
      there = candidate;
      accessSync(candidate, constants.X_OK);
      return candidate;
    } catch (error) {
      if (error instanceof UserError) throw error;
    }
  }
  if (there !== undefined) {
    throw new UserError("not-executable", `${there} may not be executed`, {
      remedy: `Make it a program with: chmod +x ${there}`,
    });
  }
  throw new UserError("program-not-found", `there is no program ${name}`, {
    remedy: name.includes("/") ? "Check the path." : "It is in no folder of PATH; give its path.",
  });
}
