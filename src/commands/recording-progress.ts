import type { RecordProgress } from "../engine/recorder.js";
import { formatBytes, formatCount } from "../units.js";
import { StatusLine } from "./status-line.js";

/** A recording under way. */
export class RecordingProgress {
  private readonly line: StatusLine;
  private shownAt = Date.now();
  private shownEvents = 0;

  constructor(
    stream: NodeJS.WriteStream,
    private readonly program: string,
  ) {
    this.line = new StatusLine(stream);
  }

  readonly show = (progress: RecordProgress): void => this.line.show(() => this.text(progress));

  close(): void {
    this.line.close();
  }

  private text(progress: RecordProgress): string {
    const now = Date.now();
    const seconds = (now - this.shownAt) / 1000;
    const rate = seconds > 0 ? (progress.events - this.shownEvents) / seconds : 0;
    this.shownAt = now;
    this.shownEvents = progress.events;
    const parts = [
      `${formatCount(progress.events)} events`,
      `${formatCount(rate)}/s`,
      formatBytes(progress.bytes),
      ...(progress.dropped > 0 ? [`${formatCount(progress.dropped)} dropped`] : []),
      ...(progress.processes > 1 ? [`${progress.alive} of ${progress.processes} processes alive`] : []),
      ...(progress.recording ? [] : ["not recording now"]),
    ];
    return `recording ${this.program}: ${parts.join(", ")}`;
  }
}
