import type { RunProgress } from "../trace/source.js";
import { formatBytes, formatCount, formatPercent } from "../units.js";

const TERMINAL_INTERVAL_MS = 100;
const LINE_INTERVAL_MS = 1000;

/** How far a trace was read: one line that is rewritten on a terminal, else a line a second. */
export class ReadingProgress {
  private readonly started = Date.now();
  private readonly onTerminal: boolean;
  private shownAt = Date.now();
  private shown = false;

  constructor(
    private readonly stream: NodeJS.WriteStream,
    private readonly what: string,
  ) {
    this.onTerminal = stream.isTTY === true && process.env.TERM !== "dumb";
  }

  readonly show = ({ doneBytes, totalBytes, events }: RunProgress): void => {
    const now = Date.now();
    if (now - this.shownAt < (this.onTerminal ? TERMINAL_INTERVAL_MS : LINE_INTERVAL_MS)) return;
    this.shownAt = now;
    this.shown = true;
    const seconds = (now - this.started) / 1000;
    const share = totalBytes === null || totalBytes === 0 ? undefined : Math.min(doneBytes / totalBytes, 1);
    const parts = [
      share === undefined ? formatBytes(doneBytes) : formatPercent(share),
      `${formatCount(events)} events`,
      `${formatCount(events / seconds)}/s`,
      ...(share === undefined || share < 0.01
        ? []
        : [`${Math.ceil((seconds / share) * (1 - share))} s left`]),
    ];
    const line = `${this.what}: ${parts.join(", ")}`;
    this.stream.write(this.onTerminal ? `\r\x1b[K${line}` : `${line}\n`);
  };

  /** Takes the line away. */
  close(): void {
    if (this.shown && this.onTerminal) this.stream.write("\r\x1b[K");
  }
}
