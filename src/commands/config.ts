import { Argument, Command } from "commander";
import { readHeapConfig, showHeapConfig } from "../engine/heap-config.js";
import { UsageError } from "../errors.js";
import type { CommandContext } from "./context.js";

const EXAMPLES = `
A configuration is a file of TOML, and docs/configuration.md tells every key of it. It is for the drop-in malloc
(RUSTYDB_MEM_CONFIG=my.toml), for replays (-a 'rustydb[config=my.toml]') and for the C library.

Examples:
  $ rustydb-mem config show > my.toml
  $ rustydb-mem config show my.toml
  $ rustydb-mem config check my.toml
  $ rustydb-mem replay trace.rmt.gz -a 'rustydb,rustydb[config=my.toml]'`;

export function command(context: CommandContext): Command {
  return new Command("config")
    .summary("check a configuration file of the heap, or print one with every key")
    .description(
      "Check a configuration file of the heap, or print the effective one with every key and default.",
    )
    .addArgument(new Argument("<action>", "what to do").choices(["check", "show"]))
    .argument("[file]", "configuration file; without one `show` prints the defaults")
    .addHelpText("after", EXAMPLES)
    .action((action: "check" | "show", file: string | undefined) => {
      if (action === "show") {
        context.stdout.write(showHeapConfig(file));
        return;
      }
      if (file === undefined) {
        throw new UsageError("no-file", "config check lacks the file to check", {
          remedy: "Write: rustydb-mem config check my.toml",
        });
      }
      readHeapConfig(file);
      context.stdout.write(`${file}: a valid configuration\n`);
    });
}
