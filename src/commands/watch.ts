import type { Command } from "commander";
import type { CommandContext } from "./context.js";
import { type WatchFlags, watchOptions } from "./watch-options.js";

export function command(context: CommandContext): Command {
  return watchOptions().action(async (flags: WatchFlags) =>
    (await import("./watch-action.js")).watch(flags, context),
  );
}
