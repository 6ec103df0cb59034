import { closeSync, openSync, readSync } from "node:fs";

/**
 * How an executable came by SQLite. `shared`: it asks the loader for a function of libsqlite3, so that
 * the marker sees its calls. `static`: SQLite is inside of it, out of the marker's sight. `none`: nothing of SQLite
 * was found in the file itself; a library or a module of it may still bring it along.
 */
export type SqliteLinkage = "shared" | "static" | "none";

const SECTION_SYMBOLS = 2;
const SECTION_DYNAMIC_SYMBOLS = 11;
const SYMBOL_BYTES = 24;
const CHUNK_BYTES = 1 << 20;
/** The first bytes of every database file, without which no copy of SQLite does. */
const FILE_MAGIC = Buffer.from("SQLite format 3\0", "latin1");

interface Section {
  readonly type: number;
  readonly offset: number;
  readonly size: number;
  readonly link: number;
}

class ElfFile {
  private readonly wide: boolean;

  constructor(
    private readonly file: number,
    private readonly header: Buffer,
  ) {
    this.wide = header.length === 64 && header.toString("latin1", 0, 4) === "\x7fELF" && header[4] === 2;
  }

  /** 64-bit and little-endian, as every machine that the recorder runs on. */
  get readable(): boolean {
    return this.wide && this.header[5] === 1;
  }

  read(offset: number, size: number): Buffer {
    const bytes = Buffer.alloc(size);
    return bytes.subarray(0, readSync(this.file, bytes, 0, size, offset));
  }

  sections(): Section[] {
    const size = this.header.readUInt16LE(0x3a);
    const count = this.header.readUInt16LE(0x3c);
    if (size < 64) return [];
    const table = this.read(Number(this.header.readBigUInt64LE(0x28)), size * count);
    const sections: Section[] = [];
    for (let at = 0; at + 64 <= table.length; at += size) {
      sections.push({
        type: table.readUInt32LE(at + 4),
        offset: Number(table.readBigUInt64LE(at + 0x18)),
        size: Number(table.readBigUInt64LE(at + 0x20)),
        link: table.readUInt32LE(at + 0x28),
      });
    }
    return sections;
  }
}

/** Where `symbols` has `name`: defined in the file, only asked for, or not at all. */
function lookUp(
  elf: ElfFile,
  symbols: Section,
  names: Section,
  name: string,
): "defined" | "asked" | "absent" {
  const text = elf.read(names.offset, names.size);
  const wanted = Buffer.from(`\0${name}\0`, "latin1");
  const places = new Set<number>();
  for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + 1)) places.add(at + 1);
  if (places.size === 0) return "absent";
  const table = elf.read(symbols.offset, symbols.size);
  let found: "asked" | "absent" = "absent";
  for (let at = 0; at + SYMBOL_BYTES <= table.length; at += SYMBOL_BYTES) {
    if (!places.has(table.readUInt32LE(at))) continue;
    if (table.readUInt16LE(at + 6) !== 0) return "defined";
    found = "asked";
  }
  return found;
}

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
    const header = Buffer.alloc(64);
    const elf = new ElfFile(file, header.subarray(0, readSync(file, header, 0, 64, 0)));
    if (!elf.readable) return "none";
    const sections = elf.sections();
    let asked = false;
    for (const symbols of sections) {
      if (symbols.type !== SECTION_SYMBOLS && symbols.type !== SECTION_DYNAMIC_SYMBOLS) continue;
      const names = sections[symbols.link];
      if (names === undefined) continue;
      const found = lookUp(elf, symbols, names, "sqlite3_step");
      if (found === "defined") return "static";
      asked ||= found === "asked";
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
