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

/** What stands for a frame of code that no module is known of: its address is another one in every process. */
const UNKNOWN = "[unknown]";

// More than all traces together can have texts.
const TEXTS = 2 ** 24;

/**
 * Numbers call sites by what they are to people: stacks whose functions are the same are one, without the allocators and
 * wrappers they begin with. A function's lines are not told apart. Where several traces are added, the same call site has the
 * same number in each.
 */
export class SiteNumbers {
  private readonly texts: string[] = [];
  private readonly isAllocator: boolean[] = [];
  private readonly numberOfText = new Map<string, number>();
  // By stack, of which 0 is the empty one: its caller, its innermost frame, and the stack that is left without allocators.
  private readonly callers = [0];
  private readonly innermost = [0];
  private readonly withoutAllocators = [0];
  private readonly numberOfStack = new Map<number, number>();

  /** `acrossProcesses`: addresses that lie in no module say nothing. */
  constructor(private readonly acrossProcesses: boolean) {}

  /** The number of the call site, never 0, by the number that it has in this trace. */
  add(table: CallTable): Uint32Array {
    const texts = table.frames.map((frame) => this.text(frame, table));
    const stacks = new Uint32Array(table.nodes.length / 2);
    // A caller stands before what it calls.
    for (let node = 1; node < stacks.length; node += 1) {
      stacks[node] = this.stack(
        stacks[table.nodes[2 * node] ?? 0] ?? 0,
        texts[table.nodes[2 * node + 1] ?? 0] ?? 0,
      );
    }
    return stacks.map((stack) => this.withoutAllocators[stack] || stack);
  }

  /** Of a call site, innermost first. */
  frames(site: number): string[] {
    const frames: string[] = [];
    for (let stack = site; stack !== 0; stack = this.callers[stack] ?? 0) {
      frames.push(this.texts[this.innermost[stack] ?? 0] ?? "");
    }
    return frames;
  }

  private text(frame: CallFrame, table: CallTable): number {
    const nowhere = this.acrossProcesses && frame.module === 0 && frame.symbol === "";
    const text = nowhere ? UNKNOWN : frameText(frame, table);
    const known = this.numberOfText.get(text);
    if (known !== undefined) return known;
    this.numberOfText.set(text, this.texts.length);
    this.isAllocator.push(ALLOCATORS.test(text));
    return this.texts.push(text) - 1;
  }

  private stack(caller: number, text: number): number {
    const key = caller * TEXTS + text;
    const known = this.numberOfStack.get(key);
    if (known !== undefined) return known;
    const stack = this.callers.push(caller) - 1;
    this.innermost.push(text);
    this.withoutAllocators.push(this.isAllocator[text] ? (this.withoutAllocators[caller] ?? 0) : stack);
    this.numberOfStack.set(key, stack);
    return stack;
  }
}

type Activity = Omit<CallSite, "frames">;

/** The call sites of one trace, the first `count` in each order. */
export function rankCallSites(
  analysis: CallSiteAnalysis,
  table: CallTable | null,
  stackBytes: string | undefined,
  count: number,
): CallSiteRanking {
  const numbers = new SiteNumbers(false);
  const numberOf = table === null ? null : numbers.add(table);
  const sites = new Map<number, Activity>();
  for (const { site, ...activity } of numberOf === null ? [] : analysis.sites) {
    const number = numberOf?.[site] ?? 0;
    const known = sites.get(number);
    sites.set(number, known === undefined ? activity : sum(known, activity));
  }
  const all = [...sites];
  const first = (figure: (activity: Activity) => number): CallSite[] =>
    all
      .filter(([, activity]) => figure(activity) > 0)
      .sort(([x, a], [y, b]) => figure(b) - figure(a) || x - y)
      .slice(0, count)
      .map(([number, activity]) => ({ frames: numbers.frames(number), ...activity }));
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

function sum(a: Activity, b: Activity): Activity {
  return {
    samples: a.samples + b.samples,
    blocks: a.blocks + b.blocks,
    bytes: a.bytes + b.bytes,
    peakBytes: a.peakBytes + b.peakBytes,
    peakBlocks: a.peakBlocks + b.peakBlocks,
    endBytes: a.endBytes + b.endBytes,
  };
}
