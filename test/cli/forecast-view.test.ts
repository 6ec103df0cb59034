import { describe, expect, it } from "vitest";
import { expectFrame, shape } from "../tui/frames.js";
import { Terminal } from "./tmux.js";
import { bin, eventually, root, Scratch } from "./tool.js";

const SERIES = `${root}/workloads/series`;

const forecast = (words: string): Terminal =>
  new Terminal(`${process.execPath} ${bin} forecast ${words}; echo "ended with $?"`, {
    scratch: new Scratch(),
  });

/** Long: every model on many series, and policies on top. */
const LONG = `${SERIES} ${SERIES} ${SERIES} --limit-sweep --compare all`;

const isComplete = (screen: string): boolean =>
  /^forecasting .* \([2-9] of \d+\)$/m.test(screen) &&
  /^ {2}linear /m.test(screen) &&
  /\nq quits.*$/.test(screen);

describe("forecast on a terminal", { timeout: 60_000 }, () => {
  it("shows how far it is once it lasts, and q ends it", async () => {
    const terminal = forecast(LONG);
    let seen = "";
    await eventually(
      () => {
        seen = terminal.screen();
        return isComplete(seen) && /[\u2801-\u28ff]{9}/.test(seen);
      },
      30_000,
      "the view",
    );
    expectFrame("tmux-forecast-80x24", shape(seen));
    terminal.type("q");
    await eventually(() => terminal.screen().includes("ended with 130"), 10_000, "the end");
    expect(terminal.scrollback()).not.toMatch(/q quits/);
    expect(terminal.cursorShown()).toBe(true);
  });

  it("is a line with --no-tui, and nothing of a view", async () => {
    const terminal = forecast(`${LONG} --no-tui`);
    await eventually(() => /^forecasting .* \(\d+ of \d+\)$/m.test(terminal.screen()), 30_000, "the line");
    expect(terminal.screen()).not.toMatch(/q quits|skill so far/);
    terminal.type("C-c");
    await eventually(() => terminal.screen().includes("ended with 130"), 10_000, "the end");
  });

  it("has none where it is short", async () => {
    const terminal = forecast(`${SERIES}/leak-1.rmt.gz --limit 1GiB`);
    const seen: string[] = [];
    await eventually(
      () => {
        seen.push(terminal.screen());
        return seen.at(-1)?.includes("ended with 0");
      },
      20_000,
      "the end",
    );
    expect(seen.join("\n")).not.toMatch(/q quits/);
  });
});
