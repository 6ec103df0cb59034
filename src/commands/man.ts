import { Command } from "commander";
import { manualPage } from "../report/manual.js";
import type { CommandContext } from "./context.js";

/** The manual page, from the commands themselves; the build writes it to dist/rustydb-mem.1. */
export function command(context: CommandContext): Command {
  return new Command("man").description("Print the manual page, for man(1).").action(async () => {
    const commands = await Promise.all(context.commands.map(({ load }) => load()));
    const described = commands.map((each) => {
      let after = "";
      each.configureOutput({ writeOut: (text) => (after += text) });
      each.outputHelp();
      const help = each.createHelp();
      const known = help.formatHelp(each, help);
      return {
        name: each.name(),
        usage: help.commandUsage(each),
        description: each.description(),
        arguments: each.registeredArguments.map((one) => ({
          term: help.argumentTerm(one),
          about: help.argumentDescription(one),
        })),
        options: help
          .visibleOptions(each)
          .map((one) => ({ term: help.optionTerm(one), about: help.optionDescription(one) })),
        // What stands behind the lists: examples, exit codes.
        notes: after.startsWith(known) ? after.slice(known.length).trim() : "",
      };
    });
    context.stdout.write(manualPage(described, context.version));
  });
}
