import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { expectFrame, shape } from "../tui/frames.js";
import { writeSmallTrace } from "./small-trace.js";
import { Terminal } from "./tmux.js";
import { bin, eventually, replaysIn, Scratch } from "./tool.js";

const COMMAND = `${process.execPath} ${bin}`;

function replay(scratch: Scratch, words: string, size: { columns: number; rows: number }): Terminal {
  const trace = scratch.file("small.csv");
  writeSmallTrace(trace, 1500);
  // The terminal's settings before and behind it.
  const [before, behind] = [scratch.file("before"), scratch.file("behind")];
  const command = `stty -a > ${before}; echo above; ${COMMAND} replay ${trace} -a malloc,rustydb,slab ${words}; echo "ended with $?"; stty -a > ${behind}`;
  return new Terminal(command, { ...size, scratch });
}

const settings = (scratch: Scratch, which: string): string =>
  readFileSync(scratch.file(which), "utf8").replace(/rows \d+; columns \d+;/, "");

/** Every row with its interval, the tail of its latency and its peak; to the last line, as a frame comes in pieces. */
const inFull = (screen: string): boolean =>
  /\nq quits.*$/.test(screen) &&
  (screen.match(/^..(rustydb|slab) .*\[.*\].* [µn]s .*✓$/gm)?.length ?? 0) === 2 &&
  /round [3-9] of/.test(screen);

async function frame(terminal: Terminal, when: (screen: string) => boolean, name: string): Promise<string> {
  let seen = "";
  await eventually(
    () => {
      seen = terminal.screen();
      return when(seen);
    },
    40_000,
    name,
  );
  return seen;
}

describe("replay on a terminal", { timeout: 90_000 }, () => {
  it.each([
    [80, 24],
    [200, 50],
  ])("at %i × %i looks as it is kept", async (columns, rows) => {
    const scratch = new Scratch();
    const terminal = replay(scratch, "-r 100000", { columns, rows });
    const seen = await frame(terminal, inFull, "rows with all their figures");
    expectFrame(`tmux-replay-${columns}x${rows}`, shape(seen));
    terminal.type("q");
    await eventually(() => terminal.screen().includes("ended with 130"), 10_000, "the end");
  });

  it("shows memory growing while it is weighed", async () => {
    const scratch = new Scratch();
    const trace = "workloads/recorded/mariadb-sysbench.rmt.gz";
    const words = "-a rustydb,malloc -r 1 --no-verify --no-latency";
    const terminal = new Terminal(`${COMMAND} replay ${trace} ${words}`, { scratch });
    const widths = new Set<number>();
    await eventually(
      () => {
        const screen = terminal.screen();
        // The line of the chart where it reaches furthest.
        const ends = screen.split("\n").map((line) => (/[\u2801-\u28ff]/.test(line) ? line.length : 0));
        if (/weighing memory \w+, \d+ %/.test(screen)) widths.add(Math.max(...ends));
        return [...widths].filter((width) => width > 0).length >= 3;
      },
      60_000,
      "three lengths of the course",
    );
    terminal.type("q");
    await eventually(() => terminal.screen().includes("interrupted"), 10_000, "the end");
  });

  it("follows the size of the terminal, and leaves nothing of the frame before", async () => {
    const scratch = new Scratch();
    const terminal = replay(scratch, "-r 100000", { columns: 120, rows: 40 });
    await frame(terminal, inFull, "the view");
    for (const [columns, rows] of [
      [80, 24],
      [160, 45],
      [70, 20],
    ] as const) {
      terminal.resize(columns, rows);
      const fits = (screen: string): boolean => {
        const lines = screen.split("\n");
        return (
          lines.filter((line) => line.startsWith("q quits")).length === 1 &&
          lines.filter((line) => /^..malloc /.test(line)).length === 1 &&
          lines.filter((line) => /: (timing|checking)/.test(line)).length === 1 &&
          // As tall as it may be, and no line wrapped.
          lines.length >= rows - 2 &&
          (lines.find((line) => /[━╌]{9}/.test(line))?.length ?? 0) <= columns
        );
      };
      await frame(terminal, fits, `one frame in ${columns} × ${rows}`);
    }
    terminal.type("q");
    await eventually(() => terminal.screen().includes("ended with 130"), 10_000, "the end");
    expect(terminal.screen()).not.toMatch(/q quits/);
    // What stood there before is not eaten up.
    expect(terminal.scrollback()).toMatch(/^above$/m);
  });

  it("picks with keys, and tells which there are", async () => {
    const scratch = new Scratch();
    const terminal = replay(scratch, "-r 100000", { columns: 80, rows: 24 });
    await frame(terminal, (screen) => /^\w+: memory/m.test(screen) && inFull(screen), "the view");
    const picked = (name: string) => (screen: string) =>
      screen.includes(`\n▸ ${name} `) && screen.includes(`\n${name}: memory`);
    terminal.type("h");
    await frame(terminal, (screen) => screen.includes("f follows"), "help");
    const from = /^▸ (\w+)/m.exec(terminal.screen())?.[1] ?? "";
    terminal.type("Down", "h");
    await frame(terminal, (screen) => !screen.includes("f follows"), "no help");
    // From whoever was followed when the key came.
    const name = /^▸ (\w+)/m.exec(terminal.screen())?.[1] ?? from;
    for (let look = 0; look < 30; look += 1) {
      await new Promise((resolve) => setTimeout(resolve, 30));
      expect(picked(name)(terminal.screen())).toBe(true);
    }
    terminal.type("q");
    await eventually(() => terminal.screen().includes("ended with 130"), 10_000, "the end");
  });

  it.each([
    ["q", "q"],
    ["Ctrl-C", "C-c"],
  ])("%s gives the terminal back as it was, with what was finished", async (_, key) => {
    const scratch = new Scratch();
    const terminal = replay(scratch, "-r 100000", { columns: 80, rows: 24 });
    await frame(terminal, inFull, "the view");
    expect(terminal.cursorShown()).toBe(false);
    const sinceMs = performance.now();
    terminal.type(key);
    await eventually(() => terminal.screen().includes("ended with 130"), 10_000, "the end");
    expect(performance.now() - sinceMs).toBeLessThan(4000);
    await eventually(() => settings(scratch, "behind").includes("echo"), 5000, "the settings");
    expect(settings(scratch, "behind")).toBe(settings(scratch, "before"));
    expect(terminal.cursorShown()).toBe(true);
    const all = terminal.scrollback();
    expect(all).toMatch(/^above$/m);
    expect(all).toMatch(/partial/i);
    expect(all).toMatch(/^ *rustydb .*×/m);
    expect(all).not.toMatch(/q quits/);
    expect(replaysIn(scratch)).toEqual([]);
    expect(scratch.leftBehind()).toEqual([]);
  });

  it("tells of a replay process that was killed, beside what was finished", async () => {
    const scratch = new Scratch();
    const terminal = replay(scratch, "-r 100000", { columns: 100, rows: 30 });
    await frame(terminal, inFull, "the view");
    await eventually(
      () => {
        const pid = replaysIn(scratch)[0];
        try {
          return pid !== undefined && process.kill(pid, "SIGKILL");
        } catch {
          return false; // ended by itself while we looked
        }
      },
      10_000,
      "a replay process to kill",
    );
    await eventually(() => terminal.screen().includes("ended with 1"), 10_000, "the end");
    const all = terminal.scrollback();
    expect(all).toMatch(/error: .*was killed/);
    expect(all).toMatch(/partial/i);
    expect(all).toMatch(/^ *rustydb .*×/m);
    expect(all).not.toMatch(/q quits/);
    expect(terminal.cursorShown()).toBe(true);
    expect(settings(scratch, "behind")).toBe(settings(scratch, "before"));
  });

  it("has no colours where NO_COLOR asks for none", async () => {
    const scratch = new Scratch();
    const trace = scratch.file("small.csv");
    writeSmallTrace(trace, 1500);
    const command = `NO_COLOR=1 ${COMMAND} replay ${trace} -a malloc,rustydb,slab -r 100000`;
    const terminal = new Terminal(command, { scratch });
    await frame(terminal, inFull, "the view");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are escape sequences
    expect(terminal.coloured()).not.toMatch(/\x1b\[[\d;]+m/);
    terminal.type("q");
    await eventually(() => terminal.screen().includes("interrupted"), 10_000, "the end");
  });

  it.each([
    ["TERM=dumb", "TERM=dumb"],
    ["CI", "CI=1"],
    ["--no-tui", ""],
  ])("is a line at a time with %s", async (name, setting) => {
    const scratch = new Scratch();
    const trace = scratch.file("small.csv");
    writeSmallTrace(trace, 1500);
    const words = `-a malloc,rustydb -r 2 ${name === "--no-tui" ? name : ""}`;
    const terminal = new Terminal(`${setting} ${COMMAND} replay ${trace} ${words}; echo "ended with $?"`, {
      scratch,
      columns: 100,
      rows: 40,
    });
    await eventually(() => terminal.screen().includes("ended with 0"), 40_000, "the end");
    expect(terminal.scrollback()).not.toMatch(/q quits/);
    if (name === "TERM=dumb") expect(terminal.scrollback()).toMatch(/^small.csv: timing/m);
  });
});
