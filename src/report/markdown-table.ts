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
