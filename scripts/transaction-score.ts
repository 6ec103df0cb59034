/**
 * How well transactions that were found in a trace agree with those that are marked in it. A block is positive when it is
 * born in a marked transaction (savepoints count as a part of theirs) and dies no later than its end; found, the same of a
 * found one. A found transaction that shares blocks with several marked ones is a mistake: only the blocks of the marked one
 * it shares most with count as rightly found.
 */
import { parse } from "csv-parse";
import { runTrace } from "../src/trace/source.js";

export interface Score {
  readonly marked: number;
  readonly positive: number;
  readonly found: number;
  /** Found and positive, no matter in which transaction. */
  readonly both: number;
  /** Of these, in the marked transaction that the found one stands for. */
  readonly matched: number;
  readonly precision: number;
  readonly recall: number;
}

/** By birth number: the outermost transaction that a block was born in and did not outlive, or 0. */
async function heldBlocks(path: string): Promise<{ homes: number[]; transactions: number }> {
  const csv = parse({ columns: true });
  const homes: number[] = [0];
  const roots = new Map<string, number>();
  const alive = new Map<string, Set<number>>();
  const dying = new Set<number>();
  let transactions = 0;
  const done = (async () => {
    for await (const row of csv as AsyncIterable<Record<string, string>>) {
      const { event, id = "", new_id = "", scope = "", parent = "" } = row;
      if (event === "begin") {
        const root = roots.get(parent) ?? ++transactions;
        roots.set(id, root);
        alive.set(id, alive.get(parent) ?? new Set());
      } else if (event === "commit" || event === "abort") {
        const root = roots.get(id) ?? 0;
        const blocks = alive.get(id);
        roots.delete(id);
        alive.delete(id);
        if ([...roots.values()].includes(root)) continue; // a savepoint
        for (const block of blocks ?? []) if (!dying.has(block)) homes[block] = 0;
      }
      if (event === "free" || event === "realloc")
        for (const blocks of alive.values()) blocks.delete(Number(id));
      if (event !== "alloc" && event !== "realloc") continue;
      const block = Number(event === "alloc" ? id : new_id);
      homes[block] = roots.get(scope) ?? 0;
      if (row.dies_with_scope === "1" || row.dies_with_scope === "true") dying.add(block);
      alive.get(scope)?.add(block);
    }
  })();
  await runTrace(
    path,
    { kind: "csv" },
    {
      onOutput: async (bytes) => {
        if (!csv.write(bytes)) await new Promise((resolve) => csv.once("drain", resolve));
      },
    },
  );
  csv.end();
  await done;
  return { homes, transactions };
}

/** Compares two traces of the same blocks: one with the marks of the program, one with those that were found. */
export async function scoreTransactions(markedPath: string, foundPath: string): Promise<Score> {
  const marked = await heldBlocks(markedPath);
  const found = await heldBlocks(foundPath);
  const shared = new Map<number, Map<number, number>>();
  let positive = 0;
  let foundBlocks = 0;
  let both = 0;
  for (let block = 1; block < marked.homes.length; block += 1) {
    const truth = marked.homes[block] ?? 0;
    const guess = found.homes[block] ?? 0;
    if (truth !== 0) positive += 1;
    if (guess !== 0) foundBlocks += 1;
    if (truth === 0 || guess === 0) continue;
    both += 1;
    const counts = shared.get(guess) ?? new Map<number, number>();
    counts.set(truth, (counts.get(truth) ?? 0) + 1);
    shared.set(guess, counts);
  }
  let matched = 0;
  for (const counts of shared.values()) matched += Math.max(...counts.values());
  return {
    marked: marked.transactions,
    positive,
    found: foundBlocks,
    both,
    matched,
    precision: foundBlocks === 0 ? 0 : matched / foundBlocks,
    recall: positive === 0 ? 0 : matched / positive,
  };
}
