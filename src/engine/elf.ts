import { closeSync, openSync, readSync, realpathSync, statSync } from "node:fs";
import { AllocatorError } from "../errors.js";

/** ELF's number of the machine, by Node's name of it. */
const MACHINES: Readonly<Record<string, number>> = {
  x64: 62,
  arm64: 183,
  riscv64: 243,
  ppc64: 21,
  s390x: 22,
};
const HEADER_BYTES = 20;
const SHARED_OBJECT = 3;

function readHead(path: string): Buffer {
  const file = openSync(path, "r");
  try {
    const head = Buffer.alloc(HEADER_BYTES);
    return head.subarray(0, readSync(file, head, 0, HEADER_BYTES, 0));
  } finally {
    closeSync(file);
  }
}

/** Why the head of a file is not that of a shared library for this machine; undefined where it is. */
function objection(head: Buffer): string | undefined {
  if (head.length < HEADER_BYTES || head.toString("latin1", 0, 4) !== "\x7fELF") {
    return "is no shared library: it does not begin as an ELF file";
  }
  if (head[4] !== 2) return "is a 32-bit library, and the replay process is a 64-bit program";
  const read16 = (offset: number): number =>
    head[5] === 2 ? head.readUInt16BE(offset) : head.readUInt16LE(offset);
  if (read16(16) !== SHARED_OBJECT) return "is an ELF file, but no shared library";
  const machine = MACHINES[process.arch];
  if (machine !== undefined && read16(18) !== machine)
    return `was built for another machine than ${process.arch}`;
  return undefined;
}

/**
 * Real path of a library that LD_PRELOAD can carry. Throws AllocatorError `library-not-found`,
 * `library-unreadable`, `no-library` or `unusable-path`.
 */
export function checkLibrary(allocator: string, path: string): string {
  let head: Buffer;
  try {
    if (statSync(path).isDirectory()) {
      throw new AllocatorError("no-library", allocator, `${path} is a directory, not a shared library`);
    }
    head = readHead(path);
  } catch (error) {
    if (error instanceof AllocatorError) throw error;
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENOTDIR") {
      throw new AllocatorError("library-not-found", allocator, `${path} does not exist`, {
        remedy: `Give the path of a shared library: ${allocator}=/path/lib.so.`,
      });
    }
    throw new AllocatorError(
      "library-unreadable",
      allocator,
      `${path} cannot be read (${code ?? String(error)})`,
      {
        cause: error,
      },
    );
  }
  const reason = objection(head);
  if (reason !== undefined) throw new AllocatorError("no-library", allocator, `${path} ${reason}`);
  if (/[\s:]/.test(path)) {
    throw new AllocatorError("unusable-path", allocator, `LD_PRELOAD cannot carry the path "${path}"`, {
      remedy: "Make a symbolic link without a space or a colon in its path, and give that.",
    });
  }
  return realpathSync(path);
}
