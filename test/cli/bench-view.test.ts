import { describe, expect, it } from "vitest";
import { expectFrame, shape } from "../tui/frames.js";
import { Terminal } from "./tmux.js";
import { bin, eventually, Scratch } from "./tool.js";

const isComplete = (screen: string): boolean =>
  /^\d done .*\n\S.*×\s*$/m.test(screen) &&
  /: sampling latency \w/.test(screen) &&
  /\nq quits.*$/.test(screen);

describe("bench on a terminal", { timeout: 120_000 }, () => {
  it("shows where in its suites it is, and the cases that are done", async () => {
    const scratch = new Scratch();
    const words = "bench hot-path transactions -r 2 -a malloc,rustydb,slab";
    const terminal = new Terminal(`${process.execPath} ${bin} ${words}; echo "ended with $?"`, { scratch });
    let seen = "";
    await eventually(
      () => {
        seen = terminal.screen();
        return isComplete(seen) && /^hot-path 3 of \d+, suite 1 of 2$/m.test(seen);
      },
      90_000,
      "the third case",
    );
    expectFrame(
      "tmux-bench-80x24",
      shape(seen)
        // Which of them it was caught at.
        .replace(/ ✓$/gm, "")
        .replace(/^( \w+ .*?─ ).*$/gm, "$1"),
    );
    terminal.type("q");
    await eventually(() => terminal.screen().includes("ended with 130"), 10_000, "the end");
    const all = terminal.scrollback();
    expect(all).not.toMatch(/q quits/);
    expect(all).toMatch(/partial/i);
    expect(all).toMatch(/pairs/);
    expect(terminal.cursorShown()).toBe(true);
    expect(scratch.leftBehind()).toEqual([]);
  });
});
