import { type Command, InvalidArgumentError, type Option } from "commander";
import { ConfigError } from "../errors.js";
import { suggest } from "../workload/mistake.js";
import { lineOf, type OptionsFile } from "./config-file.js";
import { collect } from "./option-values.js";

/** Options that a file cannot give: they are looked at before it is, or name it. */
const NOT_IN_FILES = ["--color", "--config", "--help"];

/** By its key in a file: the long name without its dashes, of `--no-x` x. */
export function keysOf(command: Command): Map<string, Option> {
  const options = command.options.filter(
    ({ long, hidden }) => long !== undefined && long !== null && !hidden && !NOT_IN_FILES.includes(long),
  );
  return new Map(options.map((option) => [(option.long ?? "").replace(/^--(no-)?/, ""), option]));
}

export const isList = (option: Option): boolean => option.variadic || option.parseArg === collect;
export const isSwitch = (option: Option): boolean => !option.required && !option.optional;

/** What the file says about an option, by the parser that the option has. Throws Error in words for the user. */
function readValue(option: Option, said: unknown): unknown {
  if (isSwitch(option)) {
    if (typeof said !== "boolean") throw new InvalidArgumentError("It takes true or false.");
    return said;
  }
  if (option.optional && typeof said === "boolean") return said;
  const words = Array.isArray(said) && isList(option) ? said : [said];
  let value: unknown;
  for (const word of words) {
    if (typeof word !== "string" && typeof word !== "number") {
      const what = isList(option) ? "a text or a list of texts" : "a text or a number";
      throw new InvalidArgumentError(`It takes ${what}, as on the command line.`);
    }
    value = option.parseArg ? option.parseArg(String(word), value as never) : String(word);
  }
  return value;
}

/** One default that a file gives. */
export interface GivenDefault {
  readonly key: string;
  readonly option: Option;
  readonly said: unknown;
  readonly value: unknown;
  readonly line: number;
}

/** The table of a command, read and checked. Throws ConfigError with file, line and key. */
export function defaultsFor(command: Command, file: OptionsFile): GivenDefault[] {
  const name = command.name();
  const table = file.tables[name];
  if (table === undefined) return [];
  const fail = (what: string, key: string | undefined, remedy: string): ConfigError => {
    const line = lineOf(file.text, name, key);
    const at = { file: file.path, line, column: 1, key: key === undefined ? name : `${name}.${key}` };
    return new ConfigError("bad-config", what, at, { remedy });
  };
  if (typeof table !== "object" || table === null || Array.isArray(table)) {
    throw fail("it must be a table", undefined, `Write the options of ${name} below a line [${name}].`);
  }
  const known = keysOf(command);
  return Object.entries(table).map(([key, said]) => {
    const option = known.get(key);
    if (option === undefined) {
      throw fail(`${name} has no option --${key}`, key, suggest(key, [...known.keys()]));
    }
    try {
      return { key, option, said, value: readValue(option, said), line: lineOf(file.text, name, key) };
    } catch (error) {
      if (!(error instanceof InvalidArgumentError)) throw error;
      throw fail(error.message.replace(/\.$/, ""), key, `rustydb-mem ${name} --help tells what it takes.`);
    }
  });
}

/** A table of no command is a mistake, told before anything runs. Throws ConfigError. */
export function checkTables(file: OptionsFile, commands: readonly string[]): void {
  for (const name of Object.keys(file.tables)) {
    if (commands.includes(name)) continue;
    const place = { file: file.path, line: lineOf(file.text, name), column: 1, key: name };
    throw new ConfigError("bad-config", `there is no command "${name}"`, place, {
      remedy: suggest(name, commands),
    });
  }
}

/** Gives the command the defaults of the file, where the command line says nothing. Throws ConfigError. */
export function applyDefaults(command: Command, file: OptionsFile): void {
  for (const { option, value } of defaultsFor(command, file)) {
    const name = option.attributeName();
    const source = command.getOptionValueSource(name);
    if (source === undefined || source === "default") command.setOptionValueWithSource(name, value, "config");
  }
}
