import type { ProgressRow, RunProgress } from "../measure/measurement-progress.js";

export type ViewKey = "up" | "down" | "follow" | "help";

/** What a person chose to see of a run; outside React, so that a key alone draws nothing. */
export class ViewState {
  help = false;
  private picked: string | undefined;
  private followed: string | undefined;

  take(progress: RunProgress): void {
    if (progress.rows.some((row) => row.allocator === progress.allocator)) this.followed = progress.allocator;
  }

  /** The allocator whose memory and latency are shown: the one that was picked, else the last one at work. */
  shown(rows: readonly ProgressRow[]): ProgressRow | undefined {
    const named = (name: string | undefined) => rows.find((row) => row.allocator === name);
    return named(this.picked) ?? named(this.followed) ?? rows[0];
  }

  press(key: ViewKey, rows: readonly ProgressRow[]): void {
    switch (key) {
      case "help":
        this.help = !this.help;
        break;
      case "follow":
        this.picked = undefined;
        break;
      case "up":
      case "down": {
        const shown = this.shown(rows);
        if (shown === undefined) break;
        const step = key === "up" ? rows.length - 1 : 1;
        this.picked = rows[(rows.indexOf(shown) + step) % rows.length]?.allocator;
        break;
      }
    }
  }
}
