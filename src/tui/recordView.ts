import type { RecordingTotals } from "../trace/recording.js";
import { openScreen } from "./inkScreen.js";
import { WholeCourse } from "./wholeCourse.js";

export interface RecordViewOptions {
  /** Undefined: it is the program's. */
  readonly stdin: NodeJS.ReadStream | undefined;
  readonly terminal: NodeJS.WriteStream;
  readonly title: string;
  readonly outputPath: string;
  /** The user wants the program to end. */
  readonly onQuit: () => void;
  /** By default that of the process. */
  readonly clockMs?: () => number;
}

export interface RecordView {
  show(totals: RecordingTotals): void;
  notice(sentence: string): void;
  close(): void;
}

const POINTS_KEPT = 1024;
const NOTICES_KEPT = 8;

/** The live view of a recording: a frame whenever the collector tells how far it is. */
export async function openRecordView(options: RecordViewOptions): Promise<RecordView> {
  const { stdin, terminal, title, outputPath, onQuit } = options;
  const clockMs = options.clockMs ?? (() => performance.now());
  const memory = new WholeCourse(POINTS_KEPT);
  const pace = new WholeCourse(POINTS_KEPT);
  let totals: RecordingTotals | undefined;
  let seconds = 0;
  let eventsPerSecond = 0;
  let notices: readonly string[] = [];
  const props = () => ({
    ...{ title, outputPath, totals, seconds, eventsPerSecond, memory, pace, notices },
    onQuit: stdin === undefined ? undefined : onQuit,
  });
  const load = async () => (await import("./RecordApp.js")).RecordApp;
  const screen = await openScreen({ stdin, stdout: terminal }, load, props());
  // Loading all this took a while, in which nothing was recorded.
  const sinceMs = clockMs();
  return {
    show(next) {
      const now = (clockMs() - sinceMs) / 1e3;
      const passed = Math.max(1e-3, now - seconds);
      eventsPerSecond = (next.events - (totals?.events ?? 0)) / passed;
      totals = next;
      seconds = now;
      memory.push(seconds, next.residentBytes);
      pace.push(seconds, eventsPerSecond);
      screen.draw(props());
    },
    notice(sentence) {
      notices = [...notices, sentence].slice(-NOTICES_KEPT);
      screen.draw(props());
    },
    close: () => screen.close(),
  };
}
