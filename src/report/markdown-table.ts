/** What Markdown would read as its own, told apart. */
export function escaped(text: string): string {
  return text.replace(/([\\`*_{}[\]<>|~])/g, "\\$1");
}

export function table(
  titles: readonly string[],
  aligned: readonly ("left" | "right")[],
  rows: readonly (readonly string[])[],
): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(escaped).join(" | ")} |`;
  const rule = `| ${aligned.map((align) => (align === "right" ? "---:" : "---")).join(" | ")} |`;
  return [line(titles), rule, ...rows.map(line)].join("\n");
}

/** Characters that GitHub takes in a comment, with some left for what others put around the report. */
const LONGEST = 65_000;

/** Said where something was left out. */
export const SHORTENED =
  "_Shortened to what a comment on GitHub holds; --export-json and --export-csv have it all._";

/** Warnings beyond these are counted where a report is shortened. */
export const WARNINGS_SHOWN = 10;

/** The first text that GitHub takes in a comment; the last one where it takes none. @param texts each shorter than the one before */
export function firstThatFits(texts: Iterable<string>): string {
  let text = "";
  for (text of texts) if (text.length <= LONGEST) break;
  return text;
}
