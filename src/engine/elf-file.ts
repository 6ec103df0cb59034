import { fstatSync, readSync } from "node:fs";

const HEADER_BYTES = 64;
const PT_INTERP = 3;
const SHT_SYMTAB = 2;
const SHT_DYNSYM = 11;
const SYMBOL_BYTES = 24;
// Section and symbol tables beyond this are no tables of a program that we want to look at.
const MAX_TABLE_BYTES = 512 * 1024 * 1024;

/** Reads an ELF file whose tables are those of 64 bits, of either byte order; what is not there reads as nothing. */
export class ElfFile {
  private readonly little: boolean;
  /** Of 64 bits. Where it is not, symbols and interpreter can't be read. */
  readonly wide: boolean;
  readonly machine: number;

  private constructor(
    private readonly fd: number,
    private readonly head: Buffer,
    private readonly bytes: number,
  ) {
    this.little = head[5] !== 2;
    this.wide = head[4] === 2;
    this.machine = this.u16(head, 18);
  }

  /** Undefined where the open file is none. It stays open, and the caller's to close. */
  static of(fd: number): ElfFile | undefined {
    const head = Buffer.alloc(HEADER_BYTES);
    const got = readSync(fd, head, 0, HEADER_BYTES, 0);
    if (got < HEADER_BYTES || head.toString("latin1", 0, 4) !== "\x7fELF") return undefined;
    return new ElfFile(fd, head, fstatSync(fd).size);
  }

  private read(offset: number, length: number): Buffer {
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

  private u16(from: Buffer, offset: number): number {
    return offset + 2 > from.length ? 0 : this.little ? from.readUInt16LE(offset) : from.readUInt16BE(offset);
  }
  private u32(from: Buffer, offset: number): number {
    return offset + 4 > from.length ? 0 : this.little ? from.readUInt32LE(offset) : from.readUInt32BE(offset);
  }
  private u64(from: Buffer, offset: number): number {
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

  /**
   * Names of `shortest` to `longest` bytes in the symbol tables, static and dynamic; `defined` where the file has
   * them itself.
   */
  *symbols(shortest: number, longest: number): Generator<{ name: string; defined: boolean }> {
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
        const end = strings.indexOf(0, from);
        if (from === 0 || end < from || end - from > longest || end - from < shortest) continue;
        yield { name: strings.toString("latin1", from, end), defined: this.u16(table, symbol + 6) !== 0 };
      }
    }
  }
}
