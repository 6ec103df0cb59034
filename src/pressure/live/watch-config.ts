import { readFileSync } from "node:fs";
import { parse, TomlError } from "smol-toml";
import { z } from "zod";
import { ConfigError, UserError } from "../../errors.js";
import { FORECAST_MODELS, type ForecastModel, type PressurePolicy } from "../../native/pressure.js";
import { parseBytes, parseDuration } from "../../units.js";
import { suggest } from "../../workload/mistake.js";

/** The section `[watch]` of a configuration file. What it does not say is undefined. */
export interface WatchConfig {
  readonly pid?: number | undefined;
  readonly cgroup?: string | undefined;
  readonly system?: boolean | undefined;
  readonly limit?: number | undefined;
  readonly intervalNs?: number | undefined;
  readonly model?: ForecastModel | undefined;
  readonly record?: string | undefined;
  readonly prometheus?: string | undefined;
  readonly onAction?: string | undefined;
  readonly actionTimeoutNs?: number | undefined;
  readonly dryRun?: boolean | undefined;
  readonly policy: PressurePolicy;
}

/** A text that `parse` of units.ts takes; its complaint becomes that of the key. */
function written<T>(parse: (text: string) => T): z.ZodType<T, string> {
  return z.string().transform((text, context) => {
    try {
      return parse(text);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      context.addIssue({ code: "custom", message: `${error.message}. ${error.remedy ?? ""}`.trim() });
      return z.NEVER;
    }
  });
}

const size = z.union([z.int().positive(), written(parseBytes)]);
const time = written((text) => Math.round(parseDuration(text)));
const percent = z.number().gt(0).lte(100);

/** One for each level above normal, in percent; they rise. */
const LEVEL_PERCENTS = z
  .array(percent)
  .length(4, "four are needed: for warning, high, critical and emergency")
  .refine((all) => all.every((each, index) => index === 0 || each > (all[index - 1] ?? 0)), {
    message: "each must be above the one before",
  });

const SECTION = z.strictObject({
  pid: z.int().positive().optional(),
  cgroup: z.string().min(1).optional(),
  system: z.boolean().optional(),
  limit: size.optional(),
  interval: time.optional(),
  model: z.enum(FORECAST_MODELS).optional(),
  record: z.string().min(1).optional(),
  prometheus: z.string().min(1).optional(),
  on_action: z.string().min(1).optional(),
  action_timeout: time.optional(),
  dry_run: z.boolean().optional(),
  thresholds: LEVEL_PERCENTS.optional(),
  predictive: z.boolean().optional(),
  chances: LEVEL_PERCENTS.optional(),
  ahead: time.optional(),
  least_chance: z.number().min(0).max(100).optional(),
  false_alarms_per_hour: z.number().gt(0).optional(),
  samples_to_enter: z.int().positive().optional(),
  leave_below: z.number().min(0).max(50).optional(),
  leave_after: time.optional(),
  cooldown: time.optional(),
});

/** The JSON schema of the section, for editors. */
export function watchSectionSchema(): Record<string, unknown> {
  const { $schema: _, ...schema } = z.toJSONSchema(SECTION, { io: "input", target: "draft-7" });
  return schema;
}

/** Without what is undefined: the types of options tell it from what is left out. */
function given<T extends object>(of: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(of).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

const shares = (percents: readonly number[] | undefined): number[] | undefined =>
  percents?.map((each) => each / 100);
const seconds = (ns: number | undefined): number | undefined => (ns === undefined ? undefined : ns / 1e9);

/** Keys may be written as options are: `on-action` is `on_action`. What is there in both ways stays, and is refused. */
function underscored(section: unknown): unknown {
  if (typeof section !== "object" || section === null) return section;
  return Object.fromEntries(
    Object.entries(section).map(([key, value]) => {
      const name = key.replaceAll("-", "_");
      return [name !== key && name in section ? key : name, value];
    }),
  );
}

/** Where a key of the section stands; 0: nowhere. */
function lineOf(text: string, key: string): number {
  const lines = text.split("\n");
  const section = lines.findIndex((line) => /^\s*\[\s*watch\s*\]/.test(line));
  const at = lines.findIndex(
    (line, index) => index > section && new RegExp(`^\\s*"?${key.replaceAll("_", "[-_]")}"?\\s*=`).test(line),
  );
  return section < 0 || at < 0 ? 0 : at + 1;
}

/** Throws ConfigError with file, line and key. Sections other than `[watch]` are other readers' business. */
export function parseWatchConfig(text: string, file: string): WatchConfig {
  let document: Record<string, unknown>;
  try {
    document = parse(text) as Record<string, unknown>;
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const [what = ""] = error.message.split("\n");
    const place = { file, line: error.line, column: error.column, key: "" };
    throw new ConfigError("bad-config", what.replace(/^Invalid TOML document: /, ""), place, {
      remedy: "The file is TOML: key = value lines below [watch].",
    });
  }
  if (document.watch === undefined) {
    throw new ConfigError(
      "bad-config",
      "it has no section [watch]",
      { file, line: 0, column: 0, key: "" },
      {
        remedy: "Begin it with a line [watch].",
      },
    );
  }
  const read = SECTION.safeParse(underscored(document.watch));
  if (!read.success) throw mistakeIn(read.error, text, file);
  const said = read.data;
  const policy = given({
    thresholds: shares(said.thresholds),
    predictive: said.predictive,
    chances: shares(said.chances),
    aheadS: seconds(said.ahead),
    leastChance: said.least_chance === undefined ? undefined : said.least_chance / 100,
    falseAlarmsPerHour: said.false_alarms_per_hour,
    samplesToEnter: said.samples_to_enter,
    leaveBelow: said.leave_below === undefined ? undefined : said.leave_below / 100,
    leaveAfterS: seconds(said.leave_after),
    cooldownS: seconds(said.cooldown),
  });
  return {
    ...given({
      pid: said.pid,
      cgroup: said.cgroup,
      system: said.system,
      limit: said.limit,
      intervalNs: said.interval,
      model: said.model,
      record: said.record,
      prometheus: said.prometheus,
      onAction: said.on_action,
      actionTimeoutNs: said.action_timeout,
      dryRun: said.dry_run,
    }),
    policy,
  };
}

function mistakeIn(error: z.ZodError, text: string, file: string): ConfigError {
  const issue = error.issues[0];
  if (issue === undefined) throw error;
  const unknown = issue.code === "unrecognized_keys" ? issue.keys[0] : undefined;
  const key = unknown ?? String(issue.path[0] ?? "");
  const place = { file, line: lineOf(text, key), column: 1, key: key === "" ? "watch" : `watch.${key}` };
  const what = unknown === undefined ? plain(issue) : "there is no such key";
  return new ConfigError("bad-config", what, place, {
    remedy:
      unknown === undefined ? "docs/watch.md lists the keys." : suggest(unknown, Object.keys(SECTION.shape)),
  });
}

/** The complaint that says most: of a union the one of the text, where a text was written. */
function plain(issue: z.core.$ZodIssue): string {
  if (issue.code !== "invalid_union") return issue.message;
  const custom = issue.errors.flat().find((each) => each.code === "custom");
  return (custom ?? issue.errors[0]?.[0] ?? issue).message;
}

/** Throws UserError. */
export function readWatchConfig(file: string): WatchConfig {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    throw new UserError("file-not-found", `${file} cannot be read: ${(cause as Error).message}`, { cause });
  }
  return parseWatchConfig(text, file);
}
