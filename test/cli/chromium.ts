import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import type { Browser } from "playwright-core";

/** Debian calls it chromium; others have Chrome under its own names. */
const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/** A headless Chromium of the system. Throws with what to install where there is none: pages are not left unlooked at. */
export async function startChromium(): Promise<Browser> {
  const executablePath = (process.env.PATH ?? "")
    .split(delimiter)
    .flatMap((folder) => NAMES.map((name) => join(folder, name)))
    .find((path) => existsSync(path));
  if (executablePath === undefined) {
    throw new Error(
      "there is no Chromium to look at pages with; install it: apt-get install chromium (npm test does)",
    );
  }
  const { chromium } = await import("playwright-core");
  // As root, in a container, Chromium has no sandbox to put itself into.
  return chromium.launch({ executablePath, args: process.getuid?.() === 0 ? ["--no-sandbox"] : [] });
}
