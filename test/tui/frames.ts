import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";

const folder = join(dirname(dirname(fileURLToPath(import.meta.url))), "golden", "frames");

// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what is to go
export const plain = (frame: string): string => frame.replace(/\x1b\[[0-9;?]*[A-Za-z]/g, "");

/** The last frame of what was written to a terminal, without its colours. */
export function lastFrame(frames: readonly string[]): string {
  const shown = plain(frames.filter((frame) => plain(frame).trim() !== "").at(-1) ?? "");
  return shown
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n")
    .trimEnd();
}

/** Compares with the frame that is kept; UPDATE_FRAMES=1 keeps this one. */
export function expectFrame(name: string, frame: string): void {
  const path = join(folder, `${name}.txt`);
  if (process.env.UPDATE_FRAMES === "1") {
    mkdirSync(folder, { recursive: true });
    writeFileSync(path, `${frame}\n`);
  }
  if (!existsSync(path)) throw new Error(`there is no ${path}: UPDATE_FRAMES=1 makes it`);
  expect(`${frame}\n`).toBe(readFileSync(path, "utf8"));
}

/**
 * A frame of a real run, what differs from run to run taken out: figures and their units, how full bars are, which way a chart
 * goes, who is at work.
 */
export function shape(frame: string): string {
  return frame
    .split("\n")
    .map((line) => {
      if (/^\s*([\d.,]+( ([KMGT]i)?B)?)?\s*[\u2800-\u28ff\s]*$/.test(line)) return "⣿";
      return line
        .replace(/^▸ /, "  ")
        .replace(/\b(timing|warming up|checking|weighing memory|sampling latency) (?!of)[\w@-]+/, "$1 NAME")
        .replace(/^\w[\w@-]*(: memory|, a call)/, "NAME$1")
        .replace(/[─━●┼╌]{5,}/g, "─")
        .replace(/[\w-]+\.rmt\.gz/g, "SERIES")
        .replace(/\d+h \d+m|\d+m \d+s/g, "0")
        .replace(/(< )?-?\d(?:[\d.,]*\d)?( (ns|µs|ms|s|([KMGT]i)?B))?/g, "0")
        .replace(/\s+/g, " ")
        .trimEnd();
    })
    .join("\n")
    .replace(/(⣿\n?)+$/, "")
    .trimEnd();
}
