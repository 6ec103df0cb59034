import type { Command, Option } from "commander";
import type { KnownCommand } from "./context.js";

/** A word that can stand at the cursor, and what it is. */
export interface Candidate {
  readonly word: string;
  readonly about: string;
}

/** What can stand at the cursor, and whether the name of a file can too. */
export interface Completion {
  readonly words: readonly Candidate[];
  readonly files: boolean;
}

const NOTHING: Completion = { words: [], files: false };
const GLOBAL: readonly Candidate[] = [
  { word: "--help", about: "display help for command" },
  { word: "--version", about: "output the version number" },
  { word: "--color", about: "auto, always or never" },
  { word: "--config", about: "a file with defaults for options" },
];

const plain = (words: readonly string[]): Candidate[] => words.map((word) => ({ word, about: "" }));
const takesValue = (option: Option): boolean => option.required || option.optional;

/** Values of an option or argument by what it calls them: `<file>`, `<allocator>`. */
async function valuesOf(
  term: string,
  choices: readonly string[] | undefined,
  word: string,
): Promise<Completion> {
  if (choices !== undefined) return { words: plain(choices), files: false };
  if (/allocator/.test(term)) {
    // Of a list only the last is still being written.
    const before = /^--allocators|^-a/.test(term) ? word.slice(0, word.lastIndexOf(",") + 1) : "";
    const { allocatorNames } = await import("../engine/allocators.js");
    return { words: plain(allocatorNames().map((name) => `${before}${name}`)), files: false };
  }
  if (/trace|workload|series|^<?[ab]>?$/.test(term)) {
    const { shippedWorkloads } = await import("../workload/shipped-names.js");
    return {
      words: shippedWorkloads().map((name) => ({ word: name, about: "shipped workload" })),
      files: true,
    };
  }
  return { words: [], files: /file|path|json|yaml|in\b|out\b|program|folder/.test(term) };
}

function optionsOf(command: Command): Candidate[] {
  return [
    ...command.options
      .filter(({ hidden, long }) => !hidden && typeof long === "string")
      .map(({ long, description }) => ({ word: long ?? "", about: description })),
    { word: "--help", about: "display help for command" },
  ];
}

/** bash takes `--touch=page` apart into three words. */
function joined(words: readonly string[]): string[] {
  const whole: string[] = [];
  for (const [index, word] of words.entries()) {
    const option = whole.at(-1)?.startsWith("--") === true;
    if (word === "=" && option) {
      if (index === words.length - 1) whole.push("");
    } else {
      whole.push(word);
    }
  }
  return whole;
}

async function ofCommand(command: Command, words: readonly string[]): Promise<Completion> {
  const word = words.at(-1) ?? "";
  const before = words.slice(0, -1);
  if (before.includes("--")) return { words: [], files: true };
  const find = (name: string | undefined): Option | undefined =>
    command.options.find(({ long, short }) => name !== undefined && (long === name || short === name));
  const [, inOption, value] = /^(--[\w-]+)=(.*)$/.exec(word) ?? [];
  const assigned = find(inOption);
  if (assigned !== undefined && value !== undefined) {
    const found = await valuesOf(assigned.flags, assigned.argChoices, value);
    return { ...found, words: found.words.map((each) => ({ ...each, word: `${inOption}=${each.word}` })) };
  }
  const asked = find(before.at(-1));
  if (asked?.required === true) return valuesOf(asked.flags, asked.argChoices, word);
  if (word.startsWith("-")) return { words: optionsOf(command), files: false };
  const positional = before.filter((each, index) => {
    const option = find(before[index - 1]);
    return !each.startsWith("-") && !(option !== undefined && takesValue(option));
  }).length;
  const { registeredArguments: all } = command;
  const argument = all[Math.min(positional, all.length - 1)];
  if (argument === undefined || (positional >= all.length && !argument.variadic)) return NOTHING;
  return valuesOf(argument.name(), argument.argChoices, word);
}

/**
 * What can stand at the end of a command line.
 * @param words behind the program's name; the last is the one that is being written, perhaps empty
 */
export async function completionOf(
  words: readonly string[],
  commands: readonly KnownCommand[],
): Promise<Completion> {
  const line = joined(words);
  const word = line.at(-1) ?? "";
  const names = commands.map(({ name }) => name);
  const at = line.slice(0, -1).findIndex((each) => names.includes(each));
  const known = commands.find(({ name }) => name === line[at]);
  let all: Completion;
  if (known !== undefined) all = await ofCommand(await known.load(), line.slice(at + 1));
  else if (line.at(-2) === "--color") all = { words: plain(["auto", "always", "never"]), files: false };
  else if (line.at(-2) === "--config") all = { words: [], files: true };
  else {
    const outline = commands.map(({ name, summary }) => ({ word: name, about: summary }));
    all = { words: word.startsWith("-") ? GLOBAL : outline, files: false };
  }
  return { ...all, words: all.words.filter((each) => each.word.startsWith(word)) };
}
