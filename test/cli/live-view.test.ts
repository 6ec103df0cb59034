import { execFileSync, spawnSync } from "node:child_process";
import { afterEach, describe, expect, it } from "vitest";
import { writeSmallTrace } from "./small-trace.js";
import { bin, eventually, replaysIn, root, Scratch } from "./tool.js";

/** A server of tmux of our own, so that nobody's sessions are touched. */
const socket = `rustydb-mem-test-${process.pid}`;
const tmux = (...args: string[]): string =>
  execFileSync("tmux", ["-L", socket, ...args], { encoding: "utf8" });
const screen = (): string => tmux("capture-pane", "-p", "-t", "view", "-S", "-200");

function start(scratch: Scratch, rounds: number, columns = 120, rows = 40): void {
  const trace = scratch.file("small.csv");
  writeSmallTrace(trace, 1000);
  const command = `${process.execPath} ${bin} replay ${trace} -a malloc,rustydb -r ${rounds}; echo "ended with $?"; sleep 60`;
  // Where CI is set at all, even to nothing, Ink draws only the last frame.
  const { CI: _, NO_COLOR: __, ...env } = process.env;
  const size = ["-x", String(columns), "-y", String(rows)];
  execFileSync(
    "tmux",
    ["-L", socket, "-f", "/dev/null", "new-session", "-d", "-s", "view", ...size, command],
    {
      cwd: root,
      env: { ...env, TERM: "xterm-256color", TMPDIR: scratch.temporary },
    },
  );
}

afterEach(() => {
  spawnSync("tmux", ["-L", socket, "kill-server"]);
});

describe("on a terminal", { timeout: 90_000 }, () => {
  it("replay shows its rows while it runs, and leaves the report in the scrollback", async () => {
    const scratch = new Scratch();
    start(scratch, 12);
    await eventually(
      () => /round|check|memory/.test(screen()) && /rustydb/.test(screen()),
      20_000,
      "the live view",
    );
    await eventually(() => screen().includes("ended with 0"), 60_000, "the end");
    expect(screen()).toMatch(/rustydb .*(faster|slower|as fast)/);
    expect(scratch.leftBehind()).toEqual([]);
  });

  it.each([
    ["q", "q"],
    ["Ctrl-C", "C-c"],
  ])("%s ends it, with the terminal as it was", async (_, key) => {
    const scratch = new Scratch();
    start(scratch, 100_000, 80, 24);
    await eventually(
      () => replaysIn(scratch).length > 0 && /rustydb/.test(screen()),
      20_000,
      "the live view",
    );
    tmux("send-keys", "-t", "view", key);
    await eventually(() => screen().includes("ended with 130"), 10_000, "the end");
    expect(tmux("display-message", "-p", "-t", "view", "#{cursor_flag}").trim()).toBe("1");
    expect(replaysIn(scratch)).toEqual([]);
    expect(scratch.leftBehind()).toEqual([]);
  });
});
