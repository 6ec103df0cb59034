import { Argument, Command } from "commander";
import type { CommandContext } from "./context.js";

const EXAMPLES = `
Two kinds of file, both of TOML; docs/configuration.md tells every key.
  check, show       of the heap: for the drop-in malloc (RUSTYDB_MEM_CONFIG=my.toml), for replays
                    (-a 'rustydb[config=my.toml]') and for the C library
  defaults, schema  rustydb-mem.toml, defaults for the options of commands: here or in a folder above, else
                    $XDG_CONFIG_HOME/rustydb-mem/config.toml; --config FILE names another

Examples:
  $ rustydb-mem config show > my.toml
  $ rustydb-mem config show my.toml
  $ rustydb-mem config check my.toml
  $ rustydb-mem replay trace.rmt.gz -a 'rustydb,rustydb[config=my.toml]'
  $ rustydb-mem config defaults
  $ rustydb-mem config schema > rustydb-mem.schema.json`;

export type Action = "check" | "show" | "defaults" | "schema";

export interface ConfigFlags {
  readonly config?: string;
}

export function command(context: CommandContext): Command {
  return new Command("config")
    .summary("check or show a configuration of the heap; defaults for options")
    .description(
      "Check a configuration file of the heap, or print the effective one with every key and default; or tell what " +
        "rustydb-mem.toml gives for options.",
    )
    .addArgument(new Argument("<action>", "what to do").choices(["check", "show", "defaults", "schema"]))
    .argument(
      "[file]",
      "configuration file; without one `show` prints the defaults, and `defaults` looks for it",
    )
    .addHelpText("after", EXAMPLES)
    .action(async (action: Action, file: string | undefined, flags: ConfigFlags) =>
      (await import("./config-action.js")).configure(action, file, flags, context),
    );
}
