import { type ProgressView, progressLine, type RunProgress } from "../measure/measurement-progress.js";

const REDRAW_MS = 100;
const LINE_MS = 1000;

/**
 * Progress as a line: on a terminal one that is written over, ten times a second at most; elsewhere a line when the
 * phase changes, and one a second.
 */
export class LineProgress implements ProgressView {
  private lastMs = Number.NEGATIVE_INFINITY;
  private lastPhase = "";
  private drawn = false;

  constructor(
    private readonly stream: NodeJS.WriteStream,
    private readonly rewrites: boolean,
  ) {}

  show(progress: RunProgress): void {
    const nowMs = performance.now();
    const phase = `${progress.trace}/${progress.phase}`;
    const due = nowMs - this.lastMs >= (this.rewrites ? REDRAW_MS : LINE_MS);
    if (!due && phase === this.lastPhase) return;
    this.lastMs = nowMs;
    this.lastPhase = phase;
    const line = progressLine(progress);
    if (!this.rewrites) {
      this.stream.write(`${line}\n`);
      return;
    }
    this.stream.write(`\r\x1b[K${line.slice(0, Math.max(20, (this.stream.columns ?? 80) - 1))}`);
    this.drawn = true;
  }

  /** Takes the line away again. */
  close(): void {
    if (this.drawn) this.stream.write("\r\x1b[K");
    this.drawn = false;
  }
}

/** For --quiet, and for --json where nobody watches. */
export const SILENT: ProgressView = { show: () => undefined };
