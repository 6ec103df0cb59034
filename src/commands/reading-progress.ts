import type { RunProgress } from "../trace/source.js";
import { formatBytes, formatCount, formatPercent } from "../units.js";
import { StatusLine } from "./status-line.js";

const TERMINAL_INTERVAL_MS = 100;

/** How far a trace was read. */
export class ReadingProgress {
  private readonly started = Date.now();
  private readonly line: StatusLine;

  constructor(
    stream: NodeJS.WriteStream,
    private readonly what: string,
  ) {
    this.line = new StatusLine(stream, TERMINAL_INTERVAL_MS);
  }

  readonly show = (progress: RunProgress): void => this.line.show(() => this.text(progress));

  close(): void {
    this.line.close();
  }

  private text({ doneBytes, totalBytes, events }: RunProgress): string {
    const seconds = (Date.now() - this.started) / 1000;
    const share = totalBytes === null || totalBytes === 0 ? undefined : Math.min(doneBytes / totalBytes, 1);
    const parts = [
      share === undefined ? formatBytes(doneBytes) : formatPercent(share),
      `${formatCount(events)} events`,
      `${formatCount(events / seconds)}/s`,
      ...(share === undefined || share < 0.01
        ? []
        : [`${Math.ceil((seconds / share) * (1 - share))} s left`]),
    ];
    return `${this.what}: ${parts.join(", ")}`;
  }
}
