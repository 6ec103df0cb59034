import { closeSync, openSync, readSync } from "node:fs";
import { ElfFile } from "./elf-file.js";

/**
 * How an executable came by SQLite. `shared`: it asks the loader for a function of libsqlite3, so that
 * the marker sees its calls. `static`: SQLite is inside of it, out of the marker's sight. `none`: nothing of SQLite
 * was found in the file itself; a library or a module of it may still bring it along.
 */
export type SqliteLinkage = "shared" | "static" | "none";

const FUNCTION = "sqlite3_step";
const CHUNK_BYTES = 1 << 20;
/** The first bytes of every database file, without which no copy of SQLite does. */
const FILE_MAGIC = Buffer.from("SQLite format 3\0", "latin1");

function contains(file: number, wanted: Buffer): boolean {
  const bytes = Buffer.alloc(CHUNK_BYTES);
  // Chunks overlap by what may be cut in two between them.
  for (let offset = 0; ; offset += CHUNK_BYTES - wanted.length) {
    const count = readSync(file, bytes, 0, CHUNK_BYTES, offset);
    if (bytes.subarray(0, count).includes(wanted)) return true;
    if (count < CHUNK_BYTES) return false;
  }
}

/** Throws what the file system throws. What is no 64-bit ELF file (a script) has none. */
export function sqliteLinkage(path: string): SqliteLinkage {
  const file = openSync(path, "r");
  try {
    const elf = ElfFile.of(file);
    if (!elf?.wide) return "none";
    let asked = false;
    for (const { name, defined } of elf.symbols(FUNCTION.length, FUNCTION.length)) {
      if (name !== FUNCTION) continue;
      if (defined) return "static";
      asked = true;
    }
    if (asked) return "shared";
    // Without a table of symbols, its constant betrays it.
    return contains(file, FILE_MAGIC) ? "static" : "none";
  } finally {
    closeSync(file);
  }
}

/** The warning for `--markers sqlite` on this executable; undefined where there is nothing to say. */
export function sqliteMarkersWarning(path: string): string | undefined {
  if (sqliteLinkage(path) !== "static") return undefined;
  return (
    `${path} carries SQLite inside of it, so that --markers sqlite cannot see its calls: no transactions will be marked. ` +
    "Run a build that uses libsqlite3 as a shared library, or mark transactions with rustydb_mem_mark.h."
  );
}
