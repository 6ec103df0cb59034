import type { RecordProgress } from "../engine/recorder.js";
import { formatBytes, formatCount } from "../units.js";

const LINE_INTERVAL_MS = 1000;

/** A recording under way: one line that is rewritten on a terminal, else a line a second. */
export class RecordingProgress {
  private readonly onTerminal: boolean;
  private shownAt = Date.now();
  private shownEvents = 0;
  private shown = false;

  constructor(
    private readonly stream: NodeJS.WriteStream,
    private readonly program: string,
  ) {
    this.onTerminal = stream.isTTY === true && process.env.TERM !== "dumb";
  }

  readonly show = (progress: RecordProgress): void => {
    const now = Date.now();
    const seconds = (now - this.shownAt) / 1000;
    if (!this.onTerminal && now - this.shownAt < LINE_INTERVAL_MS) return;
    const rate = seconds > 0 ? (progress.events - this.shownEvents) / seconds : 0;
    this.shownAt = now;
    this.shownEvents = progress.events;
    this.shown = true;
    const parts = [
      `${formatCount(progress.events)} events`,
      `${formatCount(rate)}/s`,
      formatBytes(progress.bytes),
      ...(progress.dropped > 0 ? [`${formatCount(progress.dropped)} dropped`] : []),
      ...(progress.processes > 1 ? [`${progress.alive} of ${progress.processes} processes alive`] : []),
      ...(progress.recording ? [] : ["not recording now"]),
    ];
    const line = `recording ${this.program}: ${parts.join(", ")}`;
    this.stream.write(this.onTerminal ? `\r\x1b[K${line}` : `${line}\n`);
  };

  /** Takes the line away. */
  close(): void {
    if (this.shown && this.onTerminal) this.stream.write("\r\x1b[K");
    this.shown = false;
  }
}
