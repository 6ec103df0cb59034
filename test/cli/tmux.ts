import { execFileSync, spawnSync } from "node:child_process";
import { onTestFinished } from "vitest";
import { root, type Scratch } from "./tool.js";

let servers = 0;

/** A terminal in a server of tmux of its own, gone when the test is. */
export class Terminal {
  private readonly socket: string;

  constructor(
    command: string,
    { columns = 80, rows = 24, scratch }: { columns?: number; rows?: number; scratch?: Scratch } = {},
    environment: Readonly<Record<string, string>> = {},
  ) {
    servers += 1;
    this.socket = `rustydb-mem-view-${process.pid}-${servers}`;
    onTestFinished(() => void spawnSync("tmux", ["-L", this.socket, "kill-server"]));
    // Where CI is set at all, even to nothing, Ink draws only the last frame.
    const { CI: _, NO_COLOR: __, TMUX: ___, ...env } = process.env;
    execFileSync(
      "tmux",
      [
        ...["-L", this.socket, "-f", "/dev/null", "new-session", "-d", "-s", "view"],
        ...["-x", String(columns), "-y", String(rows), `${command}; sleep 60`],
      ],
      {
        cwd: root,
        env: {
          ...{ ...env, TERM: "xterm-256color" },
          ...(scratch === undefined ? {} : { TMPDIR: scratch.temporary }),
          ...environment,
        },
      },
    );
  }

  /** What is to be seen now. */
  screen(): string {
    return this.tmux("capture-pane", "-p", "-t", "view")
      .split("\n")
      .map((line) => line.trimEnd())
      .join("\n")
      .trimEnd();
  }

  /** With what was scrolled away. */
  scrollback(): string {
    return this.tmux("capture-pane", "-p", "-t", "view", "-S", "-500");
  }

  /** With the escape sequences of its colours. */
  coloured(): string {
    return this.tmux("capture-pane", "-p", "-e", "-t", "view");
  }

  type(...keys: string[]): void {
    this.tmux("send-keys", "-t", "view", ...keys);
  }

  resize(columns: number, rows: number): void {
    this.tmux("resize-window", "-t", "view", "-x", String(columns), "-y", String(rows));
  }

  cursorShown(): boolean {
    return this.tmux("display-message", "-p", "-t", "view", "#{cursor_flag}").trim() === "1";
  }

  private tmux(...args: string[]): string {
    return execFileSync("tmux", ["-L", this.socket, ...args], { encoding: "utf8" });
  }
}
