import { existsSync } from "node:fs";
import { chooseAllocators } from "../../src/engine/allocators.js";

/** An allocator as a library in front of a program's own. */
export interface Preload {
  /** As `-a` of a replay names it. */
  readonly name: string;
  readonly library: string;
}

export const OURS = "rustydb-malloc";
export const GLIBC = "malloc";
/** The C library a second time: how far it is from itself is noise. */
export const AGAIN = "malloc again";
export const ALL: readonly string[] = [OURS, GLIBC, "jemalloc", "mimalloc", "tcmalloc"];

/** Path of the C library that runs here. */
function cLibrary(): string {
  const report = process.report?.getReport() as { sharedObjects?: string[] } | undefined;
  const path = report?.sharedObjects?.find((each) => /\/libc\.so\.6$/.test(each));
  if (path === undefined)
    throw new Error("this process runs on no libc.so.6: glibc is what is measured here");
  return path;
}

/**
 * The library of each allocator. The C library is preloaded as well: a program that links an allocator of its own, as
 * Debian's Redis does, would otherwise keep that one. Throws AllocatorError on one that is not installed.
 */
export function preloads(names: readonly string[]): Preload[] {
  return names.map((name) => {
    const isLibc = name === GLIBC || name === AGAIN;
    const path = isLibc ? cLibrary() : chooseAllocators([name]).allocators[0]?.library?.realPath;
    if (path === undefined) throw new Error(`${name} is no library that could be preloaded`);
    if (!existsSync(path))
      throw new Error(`${path} is not there: build it with node scripts/build-native.mjs`);
    return { name, library: path };
  });
}

/** How tables name it: what replays call malloc is one of five mallocs here. */
export const displayName = (name: string): string => name.replace(/^malloc(?=$| )/, "glibc");
