import type { Difference, GroupDifference } from "../trace/difference.js";
import { formatBytes, formatCount, formatPercent } from "../units.js";
import { signed, small, typeName } from "./difference-words.js";

/** The answer in a sentence or two. */
export function differenceAnswer(found: Difference): string {
  const [a, b] = [found.a.file.name, found.b.file.name];
  // Two files of one name in two folders are told apart by their letters.
  const [first, second] = a === b ? ["a", "b"] : [a, b];
  const limit = formatPercent(found.threshold);
  if (found.basis === "trace") {
    if (!found.all.changed) {
      return `${first} and ${second} allocate the same to ${limit}: ${amount(found.all)} in all.`;
    }
    return `${second} ${change(found.all)} in all ${than(found.all)} ${first}${mostly(found.all)}.`;
  }
  const changed = found.types.filter((group) => group.changed);
  const outside = found.outside?.changed ? found.outside : null;
  const [main, ...others] = changed;
  if (main === undefined && outside === null) {
    return `${first} and ${second} allocate the same to ${limit}: ${amount(found.all)} per transaction.`;
  }
  if (main === undefined && outside !== null) {
    return (
      `${second} ${change(outside)} outside of transactions ${than(outside)} ${first}, for each of them${mostly(outside)}. ` +
      "What transactions allocate did not change."
    );
  }
  if (main === undefined) throw new Error("nothing changed, and something did");
  const more = [
    ...(others.length > 0
      ? [`${formatCount(others.length)} other transaction type${others.length === 1 ? "" : "s"}`]
      : []),
    ...(outside === null ? [] : ["what is allocated outside of transactions"]),
  ];
  return `${mainSentence(main, first, second)}${more.length === 0 ? "" : ` Of ${more.join(" and ")} the tables below tell.`}`;
}

function mainSentence(group: GroupDifference, first: string, second: string): string {
  const name = typeName(group.type);
  const each = name === "transaction" ? name : `${name} transaction`;
  if (group.transactions.a === 0) {
    return `Only ${second} has ${each}s: ${formatCount(group.transactions.b)}, with ${amount(group)} each.`;
  }
  if (group.transactions.b === 0) {
    return `Only ${first} has ${each}s: ${formatCount(group.transactions.a)}, with ${amount(group)} each.`;
  }
  return `${second} ${change(group)} per ${each} ${than(group)} ${first}${mostly(group)}.`;
}

function bytesInWords(bytes: number): string {
  return Math.abs(bytes) < 1024 ? `${small(Math.round(bytes * 10) / 10)} bytes` : formatBytes(bytes);
}

function blockCount(count: number, more = ""): string {
  return `${small(count)} ${more}block${count === 1 ? "" : "s"}`;
}

/** `12 blocks, 3.10 KiB`. */
function amount({ blocks, bytes }: GroupDifference): string {
  return `${blockCount(blocks.b || blocks.a)}, ${bytesInWords(bytes.b || bytes.a)}`;
}

/** `allocates 3.1 more blocks and 412 bytes more`; a plain exchange of sizes can leave either as it was. */
function change({ blocks, bytes }: GroupDifference): string {
  const size = bytesInWords(Math.abs(bytes.delta));
  const blockWords =
    blocks.delta === 0
      ? "as many blocks"
      : blockCount(Math.abs(blocks.delta), blocks.delta > 0 ? "more " : "fewer ");
  const byteWords = bytes.delta === 0 ? "as many bytes" : `${size} ${bytes.delta > 0 ? "more" : "less"}`;
  const percent =
    bytes.relative === null || bytes.delta === 0
      ? ""
      : ` (${bytes.relative > 0 ? "+" : ""}${formatPercent(bytes.relative)})`;
  return `allocates ${blockWords} and ${byteWords}${percent}`;
}

const than = ({ blocks, bytes }: GroupDifference): string =>
  blocks.delta === 0 && bytes.delta === 0 ? "as" : "than";

/** The sizes that make up half of the change of blocks, at most three; where sizes are as they were, whether call sites are. */
function mostly({ blocks, sizes, callSites }: GroupDifference): string {
  const direction = Math.sign(blocks.delta);
  const same = sizes.rows
    .filter((row) => direction === 0 || Math.sign(row.blocks.delta) === direction)
    .sort((x, y) => Math.abs(y.blocks.delta) - Math.abs(x.blocks.delta));
  const all = same.reduce((sum, row) => sum + Math.abs(row.blocks.delta), 0);
  const named: string[] = [];
  let covered = 0;
  for (const row of same) {
    if (named.length === 3 || covered * 2 > all) break;
    covered += Math.abs(row.blocks.delta);
    named.push(`${formatCount(row.sizeBytes ?? 0)}-byte blocks (${signed(row.blocks.delta)})`);
  }
  if (named.length === 0)
    return callSites !== null && callSites.rows.length > 0 ? ", but from other call sites" : "";
  return `: ${named.length < same.length ? "mostly " : ""}${named.join(", ")}`;
}
