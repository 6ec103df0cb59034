import type { Command } from "commander";

/** A command by its name; its own module is loaded when somebody asks for the command. */
export interface KnownCommand {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<Command>;
}

/** What a command is given of the world around it. */
export interface CommandContext {
  /** Raised by Ctrl-C and SIGTERM: stop what is under way, say what was finished, throw Interrupted. */
  readonly signal: AbortSignal;
  /** Raises the same signal, for a view with a key to quit. */
  readonly interrupt: () => void;
  /** The exit code where nothing is thrown: that of a program which was run for the user. */
  readonly setExitCode: (code: number) => void;
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  /** The words of the command line behind the program's name, for "how to reproduce". */
  readonly words: readonly string[];
  readonly version: string;
  /** Every command there is, for those that tell of commands. */
  readonly commands: readonly KnownCommand[];
  /** A terminal that a person looks at: neither a pipe, nor CI, nor TERM=dumb. */
  readonly interactive: boolean;
}
