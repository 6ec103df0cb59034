import { closeSync, openSync } from "node:fs";
import { UserError } from "../errors.js";
import type { RecordingTotals } from "../trace/recording.js";
import { formatBytes, formatCount } from "../units.js";
import type { CommandContext } from "./context.js";
import { StatusLine } from "./status-line.js";

/** Where the progress of a recording goes. */
export interface RecordingView {
  readonly show?: (totals: RecordingTotals) => void;
  /** What is said once, while the program runs. */
  readonly notice: (sentence: string) => void;
  readonly close: () => void;
}

/** A recording under way, on a line. */
class RecordingLine implements RecordingView {
  private readonly line: StatusLine;
  private shownAt = Date.now();
  private shownEvents = 0;

  constructor(
    private readonly stream: NodeJS.WriteStream,
    private readonly program: string,
  ) {
    this.line = new StatusLine(stream);
  }

  readonly show = (totals: RecordingTotals): void => this.line.show(() => this.text(totals));

  readonly notice = (sentence: string): void => {
    this.line.close();
    say(this.stream, sentence);
  };

  readonly close = (): void => this.line.close();

  private text(totals: RecordingTotals): string {
    const now = Date.now();
    const seconds = (now - this.shownAt) / 1000;
    const rate = seconds > 0 ? (totals.events - this.shownEvents) / seconds : 0;
    this.shownAt = now;
    this.shownEvents = totals.events;
    const parts = [
      `${formatCount(totals.events)} events`,
      `${formatCount(rate)}/s`,
      formatBytes(totals.bytes),
      ...(totals.dropped > 0 ? [`${formatCount(totals.dropped)} dropped`] : []),
      ...(totals.processes > 1 ? [`${totals.alive} of ${totals.processes} processes alive`] : []),
      ...(totals.recording ? [] : ["not recording now"]),
    ];
    return `recording ${this.program}: ${parts.join(", ")}`;
  }
}

function say(stream: NodeJS.WriteStream, sentence: string): void {
  stream.write(`rustydb-mem: ${sentence}\n`);
}

export interface RecordingViewFlags {
  readonly quiet?: boolean;
  readonly tui: boolean;
  readonly programOutput?: string;
}

/** The file that takes what the program writes; what is in it stays. */
export function openProgramOutput(path: string | undefined): { fd: number; close: () => void } | undefined {
  if (path === undefined) return undefined;
  try {
    const fd = openSync(path, "a");
    return { fd, close: () => closeSync(fd) };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UserError("not-written", `${path} can't take the program's output: ${reason}`, { cause });
  }
}

/** A terminal is free for a view only where the program does not write on it. */
export function hasLiveView(
  { quiet, tui, programOutput }: RecordingViewFlags,
  stderr: NodeJS.WriteStream,
): boolean {
  const watched = stderr.isTTY === true && !process.env.CI && process.env.TERM !== "dumb";
  return watched && tui && quiet !== true && programOutput !== undefined;
}

/** Where the progress of a recording goes: a live view where it has the terminal for itself, a line, or nowhere. */
export async function openRecordingView(
  flags: RecordingViewFlags,
  { program, tracePath }: { readonly program: string; readonly tracePath: string },
  { stdin, stderr }: CommandContext,
): Promise<RecordingView> {
  if (flags.quiet) return { notice: (sentence) => say(stderr, sentence), close: () => undefined };
  if (!hasLiveView(flags, stderr)) return new RecordingLine(stderr, program);
  const { openRecordView } = await import("../tui/recordView.js");
  const view = await openRecordView({
    stdin: stdin.isTTY ? stdin : undefined,
    terminal: stderr,
    title: `${program} in ${tracePath}`,
    outputPath: flags.programOutput ?? "",
    // As the terminal itself would: to whatever the program has started, too. The collector and we ourselves expect it.
    onQuit: () => process.kill(0, "SIGINT"),
  });
  const notices: string[] = [];
  return {
    show: view.show,
    notice: (sentence) => {
      notices.push(sentence);
      view.notice(sentence);
    },
    close: () => {
      view.close();
      for (const sentence of notices.splice(0)) say(stderr, sentence);
    },
  };
}
