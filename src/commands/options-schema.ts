import type { Command, Option } from "commander";
import { isList, isSwitch, keysOf } from "./option-defaults.js";

type JsonSchema = Readonly<Record<string, unknown>>;

function ofOption(option: Option): JsonSchema {
  const { description, defaultValue, argChoices } = option;
  const about = {
    description,
    ...(defaultValue === undefined || typeof defaultValue === "object" ? {} : { default: defaultValue }),
  };
  if (isSwitch(option)) return { ...about, type: "boolean" };
  if (argChoices !== undefined) return { ...about, enum: argChoices };
  const value = ["string", "number", ...(option.optional ? ["boolean"] : [])];
  if (!isList(option)) return { ...about, type: value };
  return { ...about, anyOf: [{ type: value }, { type: "array", items: { type: value } }] };
}

/**
 * The JSON schema of rustydb-mem.toml for editors, from the options that the commands have.
 * @param sections schemas of tables that are no options, by command
 */
export function optionsSchema(
  commands: readonly Command[],
  sections: Readonly<Record<string, JsonSchema>>,
): JsonSchema {
  const tables = commands.map((command) => {
    const keys = [...keysOf(command)].map(([key, option]) => [key, ofOption(option)]);
    const table = sections[command.name()] ?? {
      type: "object",
      additionalProperties: false,
      properties: Object.fromEntries(keys) as JsonSchema,
    };
    return [command.name(), { description: command.description(), ...table }] as const;
  });
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "Defaults for the options of rustydb-mem",
    type: "object",
    additionalProperties: false,
    properties: Object.fromEntries(tables),
  };
}
