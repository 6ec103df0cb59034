import type { Command } from "commander";
import type { CommandContext } from "./context.js";
import { type ReplayFlags, replayOptions } from "./replay-options.js";

export function command(context: CommandContext): Command {
  return replayOptions().action(async (paths: string[], flags: ReplayFlags) =>
    (await import("./replay-action.js")).replay(paths, flags, context),
  );
}
