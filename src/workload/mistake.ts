/** Keys and indices from the root of a workload file to a node. */
export type SpecPath = readonly (string | number)[];

/** Something wrong in a workload, before it is known where in the text that is (document.ts knows). */
export class Mistake extends Error {
  constructor(
    readonly path: SpecPath,
    /** One sentence, without a full stop. */
    readonly what: string,
    readonly remedy: string,
  ) {
    super(what);
  }
}

/** `phases[1].weights.payment` */
export function pathText(path: SpecPath): string {
  let text = "";
  for (const step of path) {
    if (typeof step === "number") text += `[${step}]`;
    else text += text === "" ? step : `.${step}`;
  }
  return text;
}

/** How far two words are from each other: letters to insert, drop or replace (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replace = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replace, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

/** What to do about a name that is none of the known ones. */
export function suggest(word: string, known: readonly string[]): string {
  const near = known
    .map((name) => ({ name, far: distance(word.toLowerCase(), name.toLowerCase()) }))
    .filter(({ name, far }) => far <= (name.length < 4 ? 1 : Math.max(2, Math.floor(name.length / 3))))
    .sort((a, b) => a.far - b.far)[0];
  if (near !== undefined) return `Did you mean "${near.name}"?`;
  return known.length === 0 ? "There are none here." : `Known here: ${known.join(", ")}.`;
}
