import { Command } from "commander";
import type { CommandContext } from "./context.js";

export function command(context: CommandContext): Command {
  return new Command("doctor")
    .summary("is this machine fit to measure? which peers are installed?")
    .description(
      "Look at what makes measurements noisy or impossible here, and at the allocators that are installed.",
    )
    .option("--json", "the findings on standard output as JSON, nothing else", false)
    .addHelpText("after", "\nExamples:\n  $ rustydb-mem doctor\n  $ rustydb-mem doctor --json | jq .findings")
    .action(async (flags: { json: boolean }) => (await import("./doctor-action.js")).doctor(flags, context));
}
