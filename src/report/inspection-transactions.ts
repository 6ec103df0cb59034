import type { Distribution, TraceAnalysis, TransactionProfile } from "../native.js";
import { formatBytes, formatCount, formatDuration } from "../units.js";
import { births } from "./inspection-blocks.js";
import {
  type InspectionStyle,
  indented,
  plural,
  QUANTILE_ALIGN,
  QUANTILE_TITLES,
  quantiles,
  type Row,
  section,
  share,
} from "./section.js";

const TYPES_SHOWN = 10;

export function transactions(analysis: TraceAnalysis, style: InspectionStyle): string[] {
  const { transactions: all } = analysis;
  if (all.begun === 0) return [];
  const inside = all.scopedBlocks - all.outlivingBlocks;
  const facts = [
    `${plural(all.begun, "transaction")} and ${plural(all.savepoints, "savepoint")}: ${plural(all.commits, "commit")}, ` +
      `${plural(all.releases, "release")}, ${plural(all.aborts, "rollback")}; at most ${formatCount(all.mostOpen)} open at once, ` +
      `nested up to ${formatCount(all.deepestNesting)} deep${all.openAtEnd === 0 ? "" : `, ${formatCount(all.openAtEnd)} open at the end`}`,
    `${share(all.scopedBlocks, births(analysis))} of the blocks were born in a transaction, ` +
      `and ${share(inside, all.scopedBlocks)} of these did not outlive it; ` +
      `${plural(all.impliedFrees, "block")} died with it without a free`,
  ].map((fact) => indented(fact, style));
  const { blocks, bytes, durationEvents, durationNs, survivors } = all.profile;
  const rows: Row[] = [QUANTILE_TITLES];
  if (blocks.count > 0) {
    rows.push(quantiles("blocks", blocks, formatCount), quantiles("bytes", bytes, formatBytes));
    rows.push(quantiles("duration, events", durationEvents, formatCount));
    if (durationNs !== null) rows.push(quantiles("duration", durationNs, formatDuration));
    rows.push(quantiles("survivors", survivors, formatCount));
  }
  const profile = section("A transaction, its savepoints included", rows, QUANTILE_ALIGN, style);
  return [...types(analysis, facts, style), ...(blocks.count > 0 ? [profile] : [])];
}

function types(analysis: TraceAnalysis, facts: readonly string[], style: InspectionStyle): string[] {
  const { types: all } = analysis.transactions;
  if (all.every(({ type }) => type === "")) return [[style.chalk.bold("Transactions"), ...facts].join("\n")];
  const shown = [...all].sort((a, b) => b.begins - a.begins).slice(0, TYPES_SHOWN);
  const name = ({ type }: (typeof shown)[number]): string => (type === "" ? "(unnamed)" : type);
  const counts = section(
    "Transactions",
    [
      ["type", "begun", "committed", "aborted", "blocks", "bytes"],
      ...shown.map((type) => [
        name(type),
        ...[type.begins, type.commits, type.aborts, type.blocks].map(formatCount),
        formatBytes(type.bytes),
      ]),
    ],
    ["left", "right", "right", "right", "right", "right"],
    style,
  );
  const profiles = shown.flatMap((type): Row[] =>
    type.profile === null ? [] : [[name(type), ...profileCells(type.profile)]],
  );
  const table = section(
    "One of a type: median / p99",
    [["type", "blocks", "bytes", "duration", "survivors"], ...profiles],
    ["left", "right", "right", "right", "right"],
    style,
  );
  return [`${counts}\n${facts.join("\n")}`, ...(profiles.length === 0 ? [] : [table])];
}

function profileCells({
  blocks,
  bytes,
  survivors,
  durationEvents,
  durationNs,
}: TransactionProfile): string[] {
  const both = ({ p50, p99 }: Distribution, format: (value: number) => string): string =>
    `${format(p50)} / ${format(p99)}`;
  return [
    both(blocks, formatCount),
    both(bytes, formatBytes),
    durationNs === null
      ? `${both(durationEvents, formatCount)} events`
      : both(durationNs, (ns) => formatDuration(ns)),
    both(survivors, formatCount),
  ];
}
