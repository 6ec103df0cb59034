import { readHeapConfig, showHeapConfig } from "../engine/heap-config.js";
import { UsageError } from "../errors.js";
import { readWatchConfig, watchSectionSchema } from "../pressure/live/watch-config.js";
import type { Action, ConfigFlags } from "./config.js";
import { findOptionsFile, lineOf, type OptionsFile, readOptionsFile } from "./config-file.js";
import type { CommandContext } from "./context.js";
import { checkTables, defaultsFor } from "./option-defaults.js";
import { optionsSchema } from "./options-schema.js";

/** What the file says, and where. Throws ConfigError for what is wrong in any table. */
async function describeDefaults(file: OptionsFile, context: CommandContext): Promise<string> {
  checkTables(
    file,
    context.commands.map(({ name }) => name),
  );
  const lines: string[] = [];
  for (const { name, load } of context.commands) {
    const table = file.tables[name];
    if (table === undefined) continue;
    const given =
      name === "watch"
        ? watchDefaults(file)
        : defaultsFor(await load(), file).map(({ key, said, line }) => ({ key, said, line }));
    for (const { key, said, line } of given) {
      lines.push(`${name}.${key} = ${JSON.stringify(said)}  # ${file.path}:${line}\n`);
    }
  }
  return lines.join("") || `${file.path} gives no defaults\n`;
}

function watchDefaults(file: OptionsFile): { key: string; said: unknown; line: number }[] {
  readWatchConfig(file.path);
  return Object.entries(file.tables.watch as object).map(([key, said]) => ({
    key,
    said: said as unknown,
    line: lineOf(file.text, "watch", key),
  }));
}

async function defaults(path: string | undefined, context: CommandContext): Promise<void> {
  const found = path ?? findOptionsFile(process.cwd(), process.env);
  if (found === undefined) {
    context.stdout.write("there is no rustydb-mem.toml here or above, and none of your own\n");
    return;
  }
  context.stdout.write(await describeDefaults(readOptionsFile(found, path === undefined), context));
}

async function schema(context: CommandContext): Promise<void> {
  const commands = await Promise.all(context.commands.map(({ load }) => load()));
  const configurable = commands.filter((each) => each.name() !== "config" && each.name() !== "completion");
  const text = JSON.stringify(optionsSchema(configurable, { watch: watchSectionSchema() }), null, 2);
  context.stdout.write(`${text}\n`);
}

export async function configure(
  action: Action,
  file: string | undefined,
  flags: ConfigFlags,
  context: CommandContext,
): Promise<void> {
  if (action === "schema") {
    await schema(context);
  } else if (action === "defaults") {
    await defaults(file ?? flags.config, context);
  } else if (action === "show") {
    context.stdout.write(showHeapConfig(file));
  } else {
    if (file === undefined) {
      throw new UsageError("no-file", "config check lacks the file to check", {
        remedy: "Write: rustydb-mem config check my.toml",
      });
    }
    readHeapConfig(file);
    context.stdout.write(`${file}: a valid configuration\n`);
  }
}
