import { existsSync, readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { parse, TomlError } from "smol-toml";
import { ConfigError } from "../errors.js";

/** A file with defaults for the options of commands. */
export interface OptionsFile {
  readonly path: string;
  readonly text: string;
  /** By the names of commands. */
  readonly tables: Readonly<Record<string, unknown>>;
}

const FILE_NAME = "rustydb-mem.toml";

/**
 * `rustydb-mem.toml` here or in a folder above, up to the root of the repository or the home folder; otherwise the
 * user's own; undefined where there is neither.
 */
export function findOptionsFile(from: string, environment: NodeJS.ProcessEnv): string | undefined {
  const home = environment.HOME ?? homedir();
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    const path = join(folder, FILE_NAME);
    if (existsSync(path)) return path;
    if (folder === home || folder === dirname(folder) || existsSync(join(folder, ".git"))) break;
  }
  const own = join(environment.XDG_CONFIG_HOME || join(home, ".config"), "rustydb-mem", "config.toml");
  return existsSync(own) ? own : undefined;
}

const nowhere = (file: string) => ({ file, line: 0, column: 0, key: "" });

/**
 * Reads the file. Throws ConfigError with its place.
 * @param found it was found, not named: then it must belong to the user or to root, for its options load libraries
 */
export function readOptionsFile(path: string, found: boolean): OptionsFile {
  let text: string;
  try {
    const owner = statSync(path).uid;
    if (found && owner !== 0 && owner !== process.getuid?.()) {
      throw new ConfigError("foreign-config", "it belongs to another user", nowhere(path), {
        remedy: `If you trust it, name it: --config ${path}`,
      });
    }
    text = readFileSync(path, "utf8");
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause;
    throw new ConfigError("no-config", `it cannot be read: ${(cause as Error).message}`, nowhere(path), {
      cause,
      remedy: "docs/configuration.md tells what stands in one.",
    });
  }
  try {
    return { path, text, tables: parse(text) as Record<string, unknown> };
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const [what = ""] = error.message.split("\n");
    const { line, column } = error;
    throw new ConfigError(
      "bad-config",
      what.replace(/^Invalid TOML document: /, ""),
      { file: path, line, column, key: "" },
      { remedy: "The file is TOML: key = value lines below the name of a command, [replay]." },
    );
  }
}

const quotedKey = (key: string): string => `["']?${key.replace(/[^\w-]/g, "\\$&")}["']?`;

/** The line of a table or of a key in it, from 1; 0 where it is not to be seen. */
export function lineOf(text: string, table: string, key?: string): number {
  const header = new RegExp(`^\\s*\\[\\s*${quotedKey(table)}\\s*\\]`);
  const dotted = new RegExp(
    `^\\s*${quotedKey(table)}\\s*(=|\\.${key === undefined ? "" : `\\s*${quotedKey(key)}\\s*=`})`,
  );
  const lines = text.split("\n");
  const begin = lines.findIndex((line) => header.test(line));
  if (key === undefined && begin >= 0) return begin + 1;
  if (key !== undefined && begin >= 0) {
    const own = new RegExp(`^\\s*${quotedKey(key)}\\s*=`);
    const at = lines.findIndex((line, index) => index > begin && own.test(line));
    if (at >= 0) return at + 1;
  }
  return lines.findIndex((line) => dotted.test(line)) + 1;
}
