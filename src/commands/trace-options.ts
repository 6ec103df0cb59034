import { type Command, InvalidArgumentError, Option } from "commander";
import { UserError } from "../errors.js";
import { TRACE_FORMATS, type TraceFormat } from "../trace/event.js";

/** What every command that reads a trace understands. */
export interface TraceFlags {
  readonly format?: TraceFormat;
  readonly strict?: boolean;
  readonly skipDamaged?: boolean;
  readonly quiet?: boolean;
}

/** What a command says about an argument that is a trace. */
export const TRACE_ARGUMENT =
  "a trace in any known format, packed or not; or a workload, shipped or a file .yaml, whose trace is made on the fly";

export function addTraceOptions(command: Command): Command {
  return command
    .addOption(
      new Option("--format <format>", "what the trace is, where its content does not say").choices(
        TRACE_FORMATS,
      ),
    )
    .option("--strict", "a trace that was cut off is an error, not a warning")
    .option("--skip-damaged", "go on after a damaged block of an .rmt, and count the loss")
    .option("-q, --quiet", "no progress");
}

/** A parser of ours as commander wants it: what is wrong with the text becomes a complaint about the option. */
export function parsedBy<T>(parse: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      throw new InvalidArgumentError(`${error.message}. ${error.remedy ?? ""}`.trim());
    }
  };
}
