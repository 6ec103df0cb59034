import { execFileSync, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import { growing } from "./growing.js";
import { bin, eventually, root, Scratch } from "./tool.js";

/** A server of tmux of our own, so that nobody's sessions are touched. */
const socket = `rustydb-mem-watch-${process.pid}`;
const tmux = (...args: string[]): string =>
  execFileSync("tmux", ["-L", socket, ...args], { encoding: "utf8" });
const screen = (): string => tmux("capture-pane", "-p", "-t", "view");

function start(words: string, columns: number, rows: number): void {
  const command = `echo before; ${process.execPath} ${bin} watch ${words}; echo "ended with $?"; sleep 60`;
  // Where CI is set at all, even to nothing, Ink draws only the last frame.
  const { CI: _, NO_COLOR: __, ...env } = process.env;
  const size = ["-x", String(columns), "-y", String(rows)];
  execFileSync(
    "tmux",
    ["-L", socket, "-f", "/dev/null", "new-session", "-d", "-s", "view", ...size, command],
    { cwd: root, env: { ...env, TERM: "xterm-256color" } },
  );
}

afterEach(() => {
  spawnSync("tmux", ["-L", socket, "kill-server"]);
});

describe("watch on a terminal", { timeout: 60_000 }, () => {
  it.each([
    ["q", "q", 80, 24],
    ["Ctrl-C", "C-c", 200, 50],
  ])("draws usage against its limit, and %s ends it", async (_, key, columns, rows) => {
    const scratch = new Scratch();
    const trace = scratch.file("seen.rmt");
    const { pid } = await growing(1, 80);
    start(`--pid ${pid} --limit 100MiB --interval 100ms --record ${trace}`, columns, rows);
    await eventually(
      () => /limit ━+/.test(screen()) && /[\u2801-\u28ff]{3}/.test(screen()),
      20_000,
      "the chart",
    );
    await eventually(() => /level {2}(WARNING|HIGH|CRITICAL|EMERGENCY)/.test(screen()), 20_000, "a level");
    expect(screen()).toContain(`process ${pid} (node), limit: 100 MiB`);
    tmux("send-keys", "-t", "view", key);
    await eventually(() => screen().includes("ended with 0"), 10_000, "the end");
    expect(screen()).toMatch(/\d+ samples in .*peak/);
    expect(screen()).not.toMatch(/limit ━/);
    expect(tmux("display-message", "-p", "-t", "view", "#{cursor_flag}").trim()).toBe("1");
    expect(existsSync(trace)).toBe(true);
  });

  it("follows the size of the terminal", async () => {
    const { pid } = await growing(2, 100);
    start(`--pid ${pid} --limit 150MiB --interval 100ms`, 120, 40);
    await eventually(() => /limit ━{90}/.test(screen()), 20_000, "the chart");
    tmux("resize-window", "-t", "view", "-x", "80", "-y", "24");
    await eventually(() => /limit ━{20,69}[^━]/m.test(`${screen()}\n`), 10_000, "the smaller chart");
    const lines = screen().split("\n");
    for (const once of ["adaptive, a sample", "level "]) {
      expect(lines.filter((line) => line.includes(once))).toHaveLength(1);
    }
    tmux("send-keys", "-t", "view", "q");
    await eventually(() => screen().includes("ended with 0"), 10_000, "the end");
  });

  it("ends by itself with what it watches", async () => {
    const { pid } = await growing(1, 40, 4);
    start(`--pid ${pid} --limit 150MiB --interval 100ms`, 100, 30);
    await eventually(() => screen().includes("ended with 0"), 20_000, "the end");
    expect(screen()).toContain(`process ${pid} (node) has ended: `);
  });
});
