import type {
  AllocationGroup,
  AllocationProfile,
  CallTable,
  ImportReport,
  SiteCount,
  TraceAnalysis,
} from "../native.js";
import { formatBytes } from "../units.js";
import { SiteNumbers } from "./call-sites.js";
import type { TraceOrigin } from "./event.js";

/** A quantity in both traces. */
export interface Change {
  readonly a: number;
  readonly b: number;
  readonly delta: number;
  /** delta / a; null where a has none. */
  readonly relative: number | null;
}

/** Blocks of one size, kind or call site. */
export interface DifferenceRow {
  /** Of rows by size. */
  readonly sizeBytes?: number;
  /** The kind, of rows by these. */
  readonly name?: string;
  /** The call site, of rows by these: innermost first, allocators and their wrappers left out. */
  readonly frames?: readonly string[];
  readonly blocks: Change;
  readonly bytes: Change;
}

/** The rows whose change is above the threshold, the largest change of bytes first. */
export interface DifferenceTable {
  readonly rows: readonly DifferenceRow[];
  /** Rows that changed by no more than the threshold, or, by call site, no more than estimates may err; and rows in all. */
  readonly below: number;
  readonly different: number;
}

/** What transactions of one type allocate, each of them; or what is allocated outside, for each of all transactions. */
export interface GroupDifference {
  readonly type: string | null;
  readonly transactions: Change;
  /** By `basis` of the difference: for each transaction, or in the whole trace. */
  readonly blocks: Change;
  readonly bytes: Change;
  readonly reallocs: Change;
  /** Its blocks or bytes changed by more than the threshold, or some of its rows did. */
  readonly changed: boolean;
  readonly sizes: DifferenceTable;
  readonly kinds: DifferenceTable;
  /** Null where not both traces have call sites. */
  readonly callSites: DifferenceTable | null;
}

export interface DifferenceSide {
  readonly file: TraceOrigin;
  readonly header: Readonly<Record<string, string>>;
  readonly report: ImportReport;
  /** What was compared: between the marks `start` and `stop` where the trace has them. */
  readonly events: number;
  readonly seconds: number | null;
  readonly transactions: number;
  readonly aborts: number;
  readonly blocks: number;
  readonly bytes: number;
  readonly blocksPerThousandEvents: number;
  readonly bytesPerThousandEvents: number;
  readonly blocksPerSecond: number | null;
  readonly bytesPerSecond: number | null;
  /** Of the whole trace. */
  readonly peakLiveBytes: number;
  readonly endLiveBytes: number;
  readonly endLiveBlocks: number;
}

/** What `diff` shows. */
export interface Difference {
  readonly basis: "transaction" | "trace";
  /** A share of what the group allocates in the first trace. */
  readonly threshold: number;
  readonly a: DifferenceSide;
  readonly b: DifferenceSide;
  /** Everything together: for each of all transactions, or in the whole trace. */
  readonly all: GroupDifference;
  /** By transaction type, the largest part of the difference first; empty where the basis is the trace. */
  readonly types: readonly GroupDifference[];
  /** Outside of every transaction; null where the basis is the trace. */
  readonly outside: GroupDifference | null;
  /** What a reader has to know before believing it. */
  readonly notes: readonly string[];
}

/** A trace as the pipeline profiled it. */
export interface ProfiledTrace {
  readonly file: TraceOrigin;
  readonly header: Readonly<Record<string, string>>;
  readonly report: ImportReport;
  readonly analysis: TraceAnalysis;
  readonly profile: AllocationProfile;
  /** Null where the trace has no call sites. */
  readonly callTable: CallTable | null;
}

/** Compares by transaction where both traces have some, else as a whole. */
export function difference(a: ProfiledTrace, b: ProfiledTrace, threshold: number): Difference {
  const sides = [side(a), side(b)] as const;
  const basis = sides[0].transactions > 0 && sides[1].transactions > 0 ? "transaction" : "trace";
  const counts: Pair<number> =
    basis === "transaction" ? [sides[0].transactions, sides[1].transactions] : [1, 1];
  const sites = callSitesOf(a, b);
  const everything = [everyGroup(a.profile), everyGroup(b.profile)] as const;
  const all = compare(null, everything, counts, threshold, sites);
  const types: GroupDifference[] = [];
  let outside: GroupDifference | null = null;
  if (basis === "transaction") {
    for (const [type, groups] of typesOf(a.profile, b.profile)) {
      types.push(compare(type, groups, [groups[0].transactions, groups[1].transactions], threshold, sites));
    }
    const weight = (group: GroupDifference): number =>
      Math.abs(group.bytes.delta) *
      Math.max(group.transactions.a / counts[0], group.transactions.b / counts[1]);
    types.sort((x, y) => weight(y) - weight(x));
    // Its own total may be next to nothing: it is held against what a transaction costs in all.
    outside = compare(null, [a.profile.outside, b.profile.outside], counts, threshold, sites, all);
  }
  return {
    basis,
    threshold,
    a: sides[0],
    b: sides[1],
    all,
    types,
    outside,
    notes: notes(a, b, basis, sides),
  };
}

type Pair<T> = readonly [T, T];

/** The call sites of both traces, by numbers that mean the same in both. */
interface CallSitesOfBoth {
  readonly numbers: SiteNumbers;
  readonly numberOf: Pair<Uint32Array>;
}

function callSitesOf(a: ProfiledTrace, b: ProfiledTrace): CallSitesOfBoth | null {
  if (a.callTable === null || b.callTable === null) return null;
  const numbers = new SiteNumbers(true);
  return { numbers, numberOf: [numbers.add(a.callTable), numbers.add(b.callTable)] };
}

// A normal estimate strays further from the truth once in 370 times.
const STANDARD_ERRORS = 3;

const NO_GROUP: AllocationGroup = {
  transactions: 0,
  aborts: 0,
  openAtEnd: 0,
  blocks: 0,
  bytes: 0,
  reallocs: 0,
  sizes: [],
  kinds: [],
};

function side({ file, header, report, analysis, profile }: ProfiledTrace): DifferenceSide {
  const { events, firstTimeNs, lastTimeNs } = profile;
  const { transactions, aborts, blocks, bytes } = everyGroup(profile);
  const ns = firstTimeNs === null || lastTimeNs === null ? 0 : lastTimeNs - firstTimeNs;
  const seconds = ns > 0 ? ns / 1e9 : null;
  return {
    file,
    header,
    report,
    events,
    seconds,
    transactions,
    aborts,
    blocks,
    bytes,
    blocksPerThousandEvents: events === 0 ? 0 : (blocks * 1000) / events,
    bytesPerThousandEvents: events === 0 ? 0 : (bytes * 1000) / events,
    blocksPerSecond: seconds === null ? null : blocks / seconds,
    bytesPerSecond: seconds === null ? null : bytes / seconds,
    peakLiveBytes: analysis.peak.liveBytes,
    endLiveBytes: analysis.end.liveBytes,
    endLiveBlocks: analysis.end.liveBlocks,
  };
}

/** All groups of a profile as one. */
function everyGroup({ outside, types }: AllocationProfile): AllocationGroup {
  const groups: readonly AllocationGroup[] = [outside, ...types];
  const sum = (count: (group: AllocationGroup) => number): number =>
    groups.reduce((total, group) => total + count(group), 0);
  return {
    transactions: sum((group) => group.transactions),
    aborts: sum((group) => group.aborts),
    openAtEnd: sum((group) => group.openAtEnd),
    blocks: sum((group) => group.blocks),
    bytes: sum((group) => group.bytes),
    reallocs: sum((group) => group.reallocs),
    sizes: merged(
      groups.map((group) => group.sizes),
      ({ sizeBytes }) => sizeBytes,
      addCounts,
    ),
    kinds: merged(
      groups.map((group) => group.kinds),
      ({ kind }) => kind,
      addCounts,
    ),
    callSites: merged(
      groups.map((group) => group.callSites ?? []),
      ({ site }) => site,
      addSites,
    ),
  };
}

function addCounts<Row extends Counts>(x: Row, y: Row): Row {
  return { ...x, blocks: x.blocks + y.blocks, bytes: x.bytes + y.bytes };
}

function addSites(x: SiteCount, y: SiteCount): SiteCount {
  return {
    ...addCounts(x, y),
    samples: x.samples + y.samples,
    blocksVariance: x.blocksVariance + y.blocksVariance,
    bytesVariance: x.bytesVariance + y.bytesVariance,
  };
}

/** The rows of all tables, those of one key added up. */
function merged<Row>(
  tables: readonly (readonly Row[])[],
  keyOf: (row: Row) => string | number,
  add: (x: Row, y: Row) => Row,
): Row[] {
  const rows = new Map<string | number, Row>();
  for (const row of tables.flat()) {
    const before = rows.get(keyOf(row));
    rows.set(keyOf(row), before === undefined ? row : add(before, row));
  }
  return [...rows.values()];
}

function typesOf(a: AllocationProfile, b: AllocationProfile): Map<string, Pair<AllocationGroup>> {
  const groups = new Map<string, Pair<AllocationGroup>>();
  for (const group of a.types) groups.set(group.type, [group, NO_GROUP]);
  for (const group of b.types) groups.set(group.type, [groups.get(group.type)?.[0] ?? NO_GROUP, group]);
  return groups;
}

function change(a: number, b: number): Change {
  return { a, b, delta: b - a, relative: a === 0 ? null : (b - a) / a };
}

/** What each of `counts` transactions allocates; where a side has none, nothing. */
function compare(
  type: string | null,
  [a, b]: Pair<AllocationGroup>,
  counts: Pair<number>,
  threshold: number,
  sites: CallSitesOfBoth | null,
  heldAgainst?: GroupDifference,
): GroupDifference {
  const each = (inA: number, inB: number): Change =>
    change(counts[0] === 0 ? 0 : inA / counts[0], counts[1] === 0 ? 0 : inB / counts[1]);
  const blocks = each(a.blocks, b.blocks);
  const bytes = each(a.bytes, b.bytes);
  const limits = {
    blocks: threshold * ((heldAgainst?.blocks ?? blocks).a || (heldAgainst?.blocks ?? blocks).b),
    bytes: threshold * ((heldAgainst?.bytes ?? bytes).a || (heldAgainst?.bytes ?? bytes).b),
  };
  const above = (row: { readonly blocks: Change; readonly bytes: Change }): boolean =>
    Math.abs(row.blocks.delta) > limits.blocks || Math.abs(row.bytes.delta) > limits.bytes;
  /** Whether the change is more than what two estimates differ by chance; the variance of what was counted is 0. */
  const beyondChance = (delta: number, inA = 0, inB = 0): boolean => {
    const ofOne = (variance: number, count: number): number => (count === 0 ? 0 : variance / count ** 2);
    const variance = ofOne(inA, counts[0]) + ofOne(inB, counts[1]);
    return Math.abs(delta) > STANDARD_ERRORS * Math.sqrt(variance);
  };
  const table = <Key>(
    rows: Map<Key, Pair<RowCounts>>,
    described: (key: Key) => Pick<DifferenceRow, "sizeBytes" | "name" | "frames">,
  ): DifferenceTable => {
    const shown: { key: Key; blocks: Change; bytes: Change }[] = [];
    for (const [key, [inA, inB]] of rows) {
      const row = { key, blocks: each(inA.blocks, inB.blocks), bytes: each(inA.bytes, inB.bytes) };
      const { blocks, bytes } = row;
      if (
        (Math.abs(blocks.delta) > limits.blocks &&
          beyondChance(blocks.delta, inA.blocksVariance, inB.blocksVariance)) ||
        (Math.abs(bytes.delta) > limits.bytes &&
          beyondChance(bytes.delta, inA.bytesVariance, inB.bytesVariance))
      ) {
        shown.push(row);
      }
    }
    shown.sort(
      (x, y) =>
        Math.abs(y.bytes.delta) - Math.abs(x.bytes.delta) ||
        Math.abs(y.blocks.delta) - Math.abs(x.blocks.delta),
    );
    return {
      rows: shown.map(({ key, ...changes }) => ({ ...described(key), ...changes })),
      below: rows.size - shown.length,
      different: rows.size,
    };
  };
  const sizes = table(
    joined(a.sizes, b.sizes, ({ sizeBytes }) => sizeBytes),
    (sizeBytes) => ({ sizeBytes }),
  );
  const kinds = table(
    joined(a.kinds, b.kinds, ({ kind }) => kind),
    (name) => ({ name }),
  );
  const callSites =
    sites === null
      ? null
      : table(joinedSites([a, b], sites), (site) => ({ frames: sites.numbers.frames(site) }));
  return {
    type,
    transactions: change(a.transactions, b.transactions),
    blocks,
    bytes,
    reallocs: each(a.reallocs, b.reallocs),
    changed:
      above({ blocks, bytes }) ||
      [sizes, kinds, callSites].some((table) => table !== null && table.rows.length > 0),
    sizes,
    kinds,
    callSites,
  };
}

interface Counts {
  readonly blocks: number;
  readonly bytes: number;
}

type RowCounts = Counts & Partial<Pick<SiteCount, "blocksVariance" | "bytesVariance">>;

const NONE: Counts = { blocks: 0, bytes: 0 };

function joined<Row extends Counts, Key>(
  a: readonly Row[],
  b: readonly Row[],
  keyOf: (row: Row) => Key,
): Map<Key, Pair<RowCounts>> {
  const rows = new Map<Key, Pair<RowCounts>>();
  for (const row of a) rows.set(keyOf(row), [row, NONE]);
  for (const row of b) rows.set(keyOf(row), [rows.get(keyOf(row))?.[0] ?? NONE, row]);
  return rows;
}

function joinedSites(
  groups: Pair<AllocationGroup>,
  { numberOf }: CallSitesOfBoth,
): Map<number, Pair<RowCounts>> {
  const renumbered = ({ callSites = [] }: AllocationGroup, numbers: Uint32Array): SiteCount[] => {
    const rows = callSites.map((row) => ({ ...row, site: numbers[row.site] ?? 0 }));
    return merged([rows], ({ site }) => site, addSites);
  };
  const [a, b] = [renumbered(groups[0], numberOf[0]), renumbered(groups[1], numberOf[1])];
  return joined(a, b, ({ site }) => site);
}

function notes(
  a: ProfiledTrace,
  b: ProfiledTrace,
  basis: Difference["basis"],
  sides: Pair<DifferenceSide>,
): string[] {
  const said: string[] = [];
  for (const [at, { file, profile }] of [a, b].entries()) {
    if (basis === "trace" && (sides[at]?.transactions ?? 0) > 0) {
      said.push(`${file.name} has transactions and the other has none: both are compared as a whole.`);
    }
    if (profile.roundedBlocks > 0) {
      said.push(
        `${file.name} has too many different sizes: those of ${profile.roundedBlocks} blocks are rounded up, by at most 1/16.`,
      );
    }
    if (profile.unlistedBlocks > 0) {
      said.push(
        `${file.name} has too many rows: ${profile.unlistedBlocks} blocks are in the totals but in no table.`,
      );
    }
    const open = everyGroup(profile).openAtEnd;
    if (open > 0) {
      said.push(
        `${file.name} ends inside ${open} transaction${open === 1 ? "" : "s"}, which count as whole.`,
      );
    }
  }
  if ((a.callTable === null) !== (b.callTable === null)) {
    said.push(`Only ${(a.callTable === null ? b : a).file.name} has call sites: they are not compared.`);
  } else if (a.callTable !== null) {
    const rates = [a, b].map(({ header }) => Number(header.stackBytes ?? 0));
    if (rates.some((rate) => rate > 0)) {
      said.push(
        `What call sites allocate is estimated, from ${rates.map(stacksTaken).join(" and from ")}: a change is shown where it is ` +
          "also beyond three standard errors.",
      );
    }
  }
  if (a.profile.windowed !== b.profile.windowed) {
    said.push(
      `Only one of the traces has a mark start or stop: of ${(a.profile.windowed ? a : b).file.name} only what lies between counts.`,
    );
  }
  return said;
}

const stacksTaken = (rate: number): string =>
  rate > 0 ? `a stack every ${formatBytes(rate)} on average` : "every stack";
