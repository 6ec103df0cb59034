const LINE_INTERVAL_MS = 1000;

/** What is being done: one line that is rewritten on a terminal, at most so often; else a line a second. */
export class StatusLine {
  private readonly intervalMs: number;
  private readonly onTerminal: boolean;
  private shownAt = Date.now();
  private shown = false;

  /** Without a stream it says nothing. */
  constructor(
    private readonly stream: NodeJS.WriteStream | undefined,
    terminalIntervalMs = 0,
  ) {
    this.onTerminal = stream?.isTTY === true && process.env.TERM !== "dumb";
    this.intervalMs = this.onTerminal ? terminalIntervalMs : LINE_INTERVAL_MS;
  }

  /** The text is made only where it is shown. */
  show(text: () => string): void {
    const now = Date.now();
    if (now - this.shownAt < this.intervalMs) return;
    this.shownAt = now;
    this.shown = true;
    this.stream?.write(this.onTerminal ? `\r\x1b[K${text()}` : `${text()}\n`);
  }

  /** Takes the line away. */
  close(): void {
    if (this.shown && this.onTerminal) this.stream?.write("\r\x1b[K");
    this.shown = false;
  }
}
