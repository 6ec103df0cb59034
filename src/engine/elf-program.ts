import { accessSync, closeSync, constants, fstatSync, openSync, readSync, statSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { UserError } from "../errors.js";

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
const PREFIX_OF: Readonly<Record<string, string>> = { _rjem_je_: "_rjem_", tc_new_: "tc_" };

const MACHINES: Readonly<Record<string, number>> = {
  x64: 62,
  arm64: 183,
  riscv64: 243,
  ppc64: 21,
  s390x: 22,
};
const PT_INTERP = 3;
const SHT_SYMTAB = 2;
const SHT_DYNSYM = 11;
const SYMBOL_BYTES = 24;
// Section and symbol tables beyond this are no tables of a program that we want to look at.
const MAX_TABLE_BYTES = 512 * 1024 * 1024;

/** Reads pieces of an ELF file; what is not there reads as nothing. */
class ElfFile {
  private readonly little: boolean;

  constructor(
    private readonly fd: number,
    readonly head: Buffer,
    private readonly bytes: number,
  ) {
    this.little = head[5] !== 2;
  }

  read(offset: number, length: number): Buffer {
    const wanted = Math.min(length, Math.max(0, this.bytes - offset), MAX_TABLE_BYTES);
    const buffer = Buffer.alloc(wanted);
    let got = 0;
    while (got < wanted) {
      const count = readSync(this.fd, buffer, got, wanted - got, offset + got);
      if (count === 0) break;
      got += count;
    }
    return buffer.subarray(0, got);
  }

  u16(from: Buffer, offset: number): number {
    return offset + 2 > from.length ? 0 : this.little ? from.readUInt16LE(offset) : from.readUInt16BE(offset);
  }
  u32(from: Buffer, offset: number): number {
    return offset + 4 > from.length ? 0 : this.little ? from.readUInt32LE(offset) : from.readUInt32BE(offset);
  }
  u64(from: Buffer, offset: number): number {
    if (offset + 8 > from.length) return 0;
    return Number(this.little ? from.readBigUInt64LE(offset) : from.readBigUInt64BE(offset));
  }

  hasInterpreter(): boolean {
    const size = this.u16(this.head, 54);
    const table = this.read(this.u64(this.head, 32), size * this.u16(this.head, 56));
    for (let at = 0; size >= 56 && at + size <= table.length; at += size) {
      if (this.u32(table, at) === PT_INTERP) return true;
    }
    return false;
  }

  /** Names of the functions and objects in the symbol tables; `defined` where the file has them itself. */
  *symbols(): Generator<{ name: string; defined: boolean }> {
    const size = this.u16(this.head, 58);
    const sections = this.read(this.u64(this.head, 40), size * this.u16(this.head, 60));
    if (size < 64) return;
    for (let at = 0; at + size <= sections.length; at += size) {
      const type = this.u32(sections, at + 4);
      if (type !== SHT_SYMTAB && type !== SHT_DYNSYM) continue;
      const names = this.u32(sections, at + 40) * size;
      const table = this.read(this.u64(sections, at + 24), this.u64(sections, at + 32));
      const strings = this.read(this.u64(sections, names + 24), this.u64(sections, names + 32));
      for (let symbol = 0; symbol + SYMBOL_BYTES <= table.length; symbol += SYMBOL_BYTES) {
        const from = this.u32(table, symbol);
        // All names in question are short and end in "alloc".
        const end = strings.indexOf(0, from);
        if (from === 0 || end < from || end - from > 20 || end - from < 6) continue;
        yield { name: strings.toString("latin1", from, end), defined: this.u16(table, symbol + 6) !== 0 };
      }
    }
  }
}

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
    const head = Buffer.alloc(64);
    const got = readSync(fd, head, 0, 64, 0);
    if (got < 64 || head.toString("latin1", 0, 4) !== "\x7fELF") return nothing;
    const file = new ElfFile(fd, head, fstatSync(fd).size);
    const machine = MACHINES[process.arch];
    const foreign = head[4] !== 2 || (machine !== undefined && file.u16(head, 18) !== machine);
    if (foreign) return { ...nothing, elf: true, foreign };
    const own = new Set<string>();
    const shared = new Set<string>();
    let definesMalloc = false;
    for (const { name, defined } of file.symbols()) {
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
