import type { CallFrame, CallSiteAnalysis, CallTable } from "../native.js";

/** A call stack and what it allocates. Figures are estimates unless every allocation has its stack. */
export interface CallSite {
  /** Innermost first; allocators and their wrappers are left out. */
  readonly frames: readonly string[];
  readonly samples: number;
  readonly blocks: number;
  readonly bytes: number;
  /** Alive when the whole trace had the most bytes alive. */
  readonly peakBytes: number;
  readonly peakBlocks: number;
  readonly endBytes: number;
}

/** The call sites of a trace, the first in each of three orders. */
export interface CallSiteRanking {
  /** A stack was taken every so many bytes; 0: at every allocation. Null where the trace has no call sites. */
  readonly stackBytes: number | null;
  readonly samples: number;
  /** Of the whole trace, exactly. */
  readonly blocks: number;
  readonly bytes: number;
  readonly peakBytes: number;
  /** How many there are, told apart by their functions. */
  readonly sites: number;
  readonly byBytes: readonly CallSite[];
  readonly byPeakBytes: readonly CallSite[];
  /** By allocations. */
  readonly byBlocks: readonly CallSite[];
}

// What every stack begins with and nobody looks for: the malloc family, operator new, and the usual wrappers round them.
const ALLOCATORS =
  /^(?:__?(?:libc|GI___libc|rustc?|rdl|rg|rust_alloc)_?\w*|_?_?(?:malloc|calloc|realloc|reallocarray|memalign|posix_memalign|aligned_alloc|valloc|pvalloc|strdup|strndup|__strdup|__strndup)|x(?:malloc|calloc|realloc|strdup|memdup)|g_(?:malloc|malloc0|realloc|try_malloc|slice_alloc|strdup)|operator new(?:\[\])?\(.*|std::__new_allocator<.*|__gnu_cxx::new_allocator<.*|std::allocator<.*|std::allocator_traits<.*|__rust_(?:alloc|alloc_zeroed|realloc)|alloc::alloc::.*|<?alloc::(?:raw_vec|alloc)::.*)$/;

/** A frame as people read it: its function, else module and offset, else the address. */
export function frameText({ module, offset, symbol }: CallFrame, table: CallTable): string {
  if (symbol !== "") return symbol;
  const path = module === 0 ? "" : (table.modules[module] ?? "");
  const name = path.slice(path.lastIndexOf("/") + 1);
  return name === "" ? `0x${offset.toString(16)}` : `${name}+0x${offset.toString(16)}`;
}

/** The texts of the stack `site`, innermost first. */
function stackTexts(site: number, table: CallTable): string[] {
  const texts: string[] = [];
  for (let node = site; node !== 0; node = table.nodes[2 * node] ?? 0) {
    const frame = table.frames[table.nodes[2 * node + 1] ?? 0];
    if (frame !== undefined) texts.push(frameText(frame, table));
  }
  return texts;
}

function withoutAllocators(frames: readonly string[]): readonly string[] {
  const first = frames.findIndex((frame) => !ALLOCATORS.test(frame));
  return first < 0 ? frames : frames.slice(first);
}

/** Stacks whose functions are the same are one call site: a function's lines are not told apart. */
export function rankCallSites(
  analysis: CallSiteAnalysis,
  table: CallTable | null,
  stackBytes: string | undefined,
  count: number,
): CallSiteRanking {
  const sites = new Map<string, CallSite>();
  for (const { site, ...activity } of table === null ? [] : analysis.sites) {
    const frames = withoutAllocators(table === null ? [] : stackTexts(site, table));
    const key = frames.join("\n");
    const known = sites.get(key);
    sites.set(key, known === undefined ? { frames, ...activity } : sum(known, activity));
  }
  const all = [...sites.values()];
  const first = (figure: (site: CallSite) => number): CallSite[] =>
    all
      .filter((site) => figure(site) > 0)
      .sort((a, b) => figure(b) - figure(a) || (a.frames.join() < b.frames.join() ? -1 : 1))
      .slice(0, count);
  return {
    stackBytes: stackBytes === undefined ? null : Number(stackBytes),
    samples: analysis.samples,
    blocks: analysis.blocks,
    bytes: analysis.bytes,
    peakBytes: analysis.peakBytes,
    sites: all.length,
    byBytes: first(({ bytes }) => bytes),
    byPeakBytes: first(({ peakBytes }) => peakBytes),
    byBlocks: first(({ blocks }) => blocks),
  };
}

function sum(a: CallSite, b: Omit<CallSite, "frames">): CallSite {
  return {
    frames: a.frames,
    samples: a.samples + b.samples,
    blocks: a.blocks + b.blocks,
    bytes: a.bytes + b.bytes,
    peakBytes: a.peakBytes + b.peakBytes,
    peakBlocks: a.peakBlocks + b.peakBlocks,
    endBytes: a.endBytes + b.endBytes,
  };
}
