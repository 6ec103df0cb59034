interface Term {
  readonly term: string;
  readonly about: string;
}

/** A command as a manual tells of it. */
export interface ManualCommand {
  readonly name: string;
  readonly usage: string;
  readonly description: string;
  readonly arguments: readonly Term[];
  readonly options: readonly Term[];
  /** Set in lines of its own. */
  readonly notes: string;
}

/** Nothing of it is read as roff: no command at the start of a line, no escape, no dash that breaks. */
function roff(text: string): string {
  return text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replace(/^([.'])/gm, "\\&$1")
    .replace(
      /[^\n -~]/gu,
      (sign) => `\\[u${sign.codePointAt(0)?.toString(16).toUpperCase().padStart(4, "0")}]`,
    );
}

const terms = (all: readonly Term[]): string =>
  all.map(({ term, about }) => `.TP\n.B ${roff(term)}\n${roff(about)}\n`).join("");

function commandSection({ name, usage, description, notes, ...lists }: ManualCommand): string {
  return [
    `.SS ${roff(name)}\n.B ${roff(usage)}\n.PP\n${roff(description)}\n`,
    terms(lists.arguments),
    terms(lists.options),
    notes === "" ? "" : `.PP\n.nf\n${roff(notes)}\n.fi\n`,
  ].join("");
}

const ENVIRONMENT: readonly Term[] = [
  { term: "NO_COLOR, CI, TERM=dumb", about: "no colours and no live view" },
  { term: "RUSTYDB_MEM_CONFIG", about: "configuration of the heap, read by the drop-in malloc" },
  { term: "RUSTYDB_MEM_RECORD", about: "where the recorder writes when it is preloaded without rustydb-mem" },
  { term: "XDG_CONFIG_HOME", about: "where the folder rustydb-mem with the user's own config.toml is" },
];

const FILES: readonly Term[] = [
  { term: "rustydb-mem.toml", about: "defaults for options, in the working folder or one above it" },
  { term: "$XDG_CONFIG_HOME/rustydb-mem/config.toml", about: "the same, where there is none" },
];

const EXIT_CODES: readonly Term[] = [
  { term: "0", about: "done" },
  { term: "1", about: "could not: usage, bad input, or a run that failed" },
  { term: "130", about: "interrupted" },
];

/** The manual page in roff, for man(1). */
export function manualPage(commands: readonly ManualCommand[], version: string): string {
  return [
    `.TH RUSTYDB-MEM 1 "" "rustydb-mem ${roff(version)}" "User Commands"\n`,
    ".SH NAME\nrustydb\\-mem \\- replay database allocation traces through allocators, and compare them with malloc\n",
    ".SH SYNOPSIS\n.B rustydb\\-mem\n.I command\n[options]\n",
    `.SH COMMANDS\n${commands.map(commandSection).join("")}`,
    `.SH EXIT STATUS\n${terms(EXIT_CODES)}`,
    `.SH ENVIRONMENT\n${terms(ENVIRONMENT)}`,
    `.SH FILES\n${terms(FILES)}`,
  ].join("");
}
