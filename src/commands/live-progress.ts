import type { ProgressView } from "../measure/measurement-progress.js";
import { LineProgress, SILENT } from "../report/progress.js";
import type { CommandContext } from "./context.js";

export interface ProgressFlags {
  readonly quiet: boolean;
  readonly json: boolean;
  readonly tui: boolean;
}

/** Where the progress of a measurement goes: the live view, a line, or nowhere. */
export async function openProgress(
  flags: ProgressFlags,
  baseline: string,
  context: CommandContext,
): Promise<ProgressView & { close(): void }> {
  const { stderr, stdin, interactive } = context;
  const watched = stderr.isTTY === true;
  if (flags.quiet || (flags.json && !watched)) return { ...SILENT, close: () => undefined };
  if (flags.tui && !flags.json && interactive && watched && stdin.isTTY === true) {
    const { openLiveView } = await import("../tui/live.js");
    return openLiveView({ stdin, stdout: context.stdout, baseline, onQuit: context.interrupt });
  }
  return new LineProgress(stderr, watched && process.env.TERM !== "dumb");
}
