import { Command } from "commander";
import { completionOf } from "./completion-words.js";
import type { CommandContext } from "./context.js";

/** What the scripts of `completion` call: a candidate a line, with a tab and what it is; `:files` for files too. */
export function command(context: CommandContext): Command {
  return new Command("complete")
    .description("Tell a shell what can stand at the end of a command line.")
    .argument("[words...]", "the words behind rustydb-mem, the last one unfinished")
    .action(async (words: string[]) => {
      const { words: found, files } = await completionOf(words, context.commands);
      const lines = found.map(({ word, about }) => `${word}\t${about.replace(/\s+/g, " ")}`);
      context.stdout.write([...lines, ...(files ? [":files"] : [])].map((line) => `${line}\n`).join(""));
    });
}
