import type { Command } from "commander";
import { type BenchFlags, benchOptions } from "./bench-options.js";
import type { CommandContext } from "./context.js";

export function command(context: CommandContext): Command {
  return benchOptions().action(async (words: string[], flags: BenchFlags) =>
    (await import("./bench-action.js")).bench(words, flags, context),
  );
}
