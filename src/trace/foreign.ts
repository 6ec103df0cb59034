import { FORMAT_TITLES, TRACE_FORMATS } from "./event.js";

const MAGICS: readonly (readonly [magic: string, what: string])[] = [
  ["\x7fELF", "an ELF program or library"],
  ["\x89PNG", "a PNG picture"],
  ["\xff\xd8\xff", "a JPEG picture"],
  ["GIF8", "a GIF picture"],
  ["%PDF", "a PDF document"],
  ["SQLite format 3", "an SQLite database"],
  ["BZh", "a bzip2 file (unpack it first)"],
  ["\xfd7zXZ", "an xz file (unpack it first)"],
  ["7z\xbc\xaf", "a 7z archive (unpack it first)"],
  ["Rar!", "a RAR archive (unpack it first)"],
  ["#!", "a script"],
  ["<?xml", "XML"],
  ["<!DOCTYPE html", "an HTML page"],
  ["<html", "an HTML page"],
  ["{", "JSON"],
  ["[", "JSON"],
];

/** What bytes that are no trace look like, for a person: `a PNG picture`, `text that starts with "Dear"`. */
export function describeForeign(head: Buffer): string {
  const latin = head.toString("latin1");
  const known = MAGICS.find(([magic]) => latin.startsWith(magic));
  if (known !== undefined) return known[1];
  if (head.length > 262 && latin.slice(257, 262) === "ustar") return "a tar archive (unpack it first)";
  const start = head.subarray(0, 400).toString("utf8");
  const line = start.trimStart().split(/\r?\n/, 1)[0] ?? "";
  // Control characters other than white space, or what is no UTF-8 (a cut-off last character aside), are no text.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\x00-\x08\x0e-\x1f\x7f]|\ufffd(?!$)/.test(start)) {
    const bytes = [...head.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    return `binary data that starts with ${bytes}`;
  }
  return `text that starts with "${line.length > 60 ? `${line.slice(0, 60)}…` : line}"`;
}

/** One sentence that names the formats we read. */
export function knownFormats(): string {
  const titles = TRACE_FORMATS.map((format) => `${FORMAT_TITLES[format]} (${format})`);
  return `Formats read: ${titles.join(", ")}; each plain or in .gz, .zip or .zst. --format names one.`;
}
