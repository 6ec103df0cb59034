import type { AllocatorResult, ResultFile, TraceResult } from "../measure/measurement.js";
import type { ForecastCourse, ForecastResult, LevelEntry } from "../measure/measurement-forecast.js";
import type { PressureLevel } from "../native/pressure.js";
import { formatBytes, formatDuration, formatPercent } from "../units.js";
import type { Align } from "./section.js";
import { seriesChart } from "./series-chart.js";

/** What the early warning makes of a replay, as sentences and tables that every kind of report prints. */

export interface ForecastTable {
  readonly title: string;
  readonly columns: readonly string[];
  readonly align: readonly Align[];
  readonly rows: readonly (readonly string[])[];
  /** How to read it. */
  readonly about: string;
}

interface Forecast {
  readonly allocator: string;
  readonly forecast: ForecastResult;
}

const seconds = (value: number): string => formatDuration(value * 1e9);

/** The allocators of a trace that were looked ahead of; none where it was not asked for. */
export function forecastsOf(file: ResultFile, trace: TraceResult): Forecast[] {
  return file.results.flatMap(({ trace: name, allocator, forecast }: AllocatorResult) =>
    name === trace.name && forecast !== undefined ? [{ allocator, forecast }] : [],
  );
}

export const entryOf = (course: ForecastCourse, level: PressureLevel): LevelEntry | undefined =>
  course.entries.find((entry) => entry.level === level);

/** How long before memory ran out the alarm began that still stood then; undefined: none did. */
function leadS(course: ForecastCourse): number | undefined {
  const since = entryOf(course, "critical")?.standsSinceS;
  return course.outS === null || since === null || since === undefined ? undefined : course.outS - since;
}

/** The answer first. */
export function forecastAnswer(forecasts: readonly Forecast[]): string {
  const first = forecasts[0]?.forecast;
  if (first === undefined) return "";
  const { limitBytes, limitFrom } = first;
  if (limitBytes === null) {
    const what = first.firstForecastS === null ? "there are no levels" : "there are forecasts, but no levels";
    return `No limit was given, and no sample of the trace tells one: ${what}. --limit gives one.`;
  }
  const limit = `${formatBytes(limitBytes)}${limitFrom === "trace" ? " (as the samples of the trace tell)" : ""}`;
  const out = forecasts
    .flatMap(({ allocator, forecast }) =>
      forecast.outS === null ? [] : [{ allocator, outS: forecast.outS, forecast }],
    )
    .sort((a, b) => a.outS - b.outS);
  const [earliest, latest] = [out[0], out.at(-1)];
  if (earliest === undefined || latest === undefined) {
    const highest = Math.max(...forecasts.map(({ forecast }) => forecast.peakBytes));
    return `Under ${limit} none runs out of memory; the most that one takes is ${formatPercent(highest / limitBytes)} of it.`;
  }
  const who =
    out.length < forecasts.length
      ? `${out.length} of ${forecasts.length} run out of memory, first ${earliest.allocator} after ${seconds(earliest.outS)}`
      : out.length === 1
        ? `${earliest.allocator} runs out of memory after ${seconds(earliest.outS)}`
        : `all run out of memory, first ${earliest.allocator} after ${seconds(earliest.outS)}, last ${latest.allocator} after ${seconds(latest.outS)}`;
  const seen = out.filter(({ forecast }) => (leadS(forecast) ?? 0) >= 30).length;
  return `Under ${limit} ${who}; the critical level stood 30 s before for ${seen} of ${out.length}.`;
}

const at = (entry: LevelEntry | undefined, since = entry?.atS): string =>
  entry === undefined || since === undefined
    ? "–"
    : `${seconds(since)}${entry.reason?.kind === "chance" && since === entry.atS ? " *" : ""}`;

function skills(course: ForecastCourse): string {
  if (course.skill.length === 0) return "–";
  return course.skill.map(({ skill }) => (skill === null ? "–" : skill.toFixed(2))).join(" / ");
}

function levels(forecasts: readonly Forecast[], limited: boolean): ForecastTable {
  const skill = "skill 30/60/120 s";
  if (!limited) {
    return {
      title: "Forecast over the time of the trace",
      columns: ["allocator", "highest", skill],
      align: ["left", "right", "right"],
      rows: forecasts.map(({ allocator, forecast }) => [
        allocator,
        formatBytes(forecast.peakBytes),
        skills(forecast),
      ]),
      about: SKILL,
    };
  }
  return {
    title: "Early warning over the time of the trace",
    columns: ["allocator", "highest", "warned", "high", "critical", "emergency", "runs out", "ahead", skill],
    align: ["left", ...Array<Align>(8).fill("right")],
    rows: forecasts.map(({ allocator, forecast }) => {
      const lead = leadS(forecast);
      return [
        allocator,
        formatBytes(forecast.peakBytes),
        ...(["warning", "high", "critical", "emergency"] as const).map((level) =>
          at(entryOf(forecast, level)),
        ),
        forecast.outS === null ? "never" : seconds(forecast.outS),
        lead === undefined ? "–" : lead === 0 ? "not seen" : seconds(lead),
        skills(forecast),
      ];
    }),
    about:
      "When each level was entered first; * because the limit was likely to be reached soon, before usage was there. Ahead: how long " +
      `the critical level had stood when memory ran out. ${SKILL}`,
  };
}

const SKILL = 'Skill: 1 − the mean error over that of "no change"; at or below 0 the forecast is no better.';

function relieved(forecasts: readonly Forecast[]): ForecastTable[] {
  const rows = forecasts.flatMap(({ allocator, forecast }) => {
    const { relieved: with_ } = forecast;
    if (with_ === undefined) return [];
    const returned = with_.reliefs.reduce((sum, { returnedBytes }) => sum + Math.max(0, returnedBytes), 0);
    const later =
      forecast.outS === null ? "–" : with_.outS === null ? "prevented" : signed(with_.outS - forecast.outS);
    return [
      [
        allocator,
        with_.by ?? "cannot purge",
        with_.by === null ? "–" : `${with_.reliefs.length}`,
        with_.by === null ? "–" : formatBytes(returned),
        `${formatBytes(forecast.peakBytes)} → ${formatBytes(with_.peakBytes)}`,
        with_.outS === null ? "never" : seconds(with_.outS),
        later,
      ],
    ];
  });
  if (rows.length === 0) return [];
  return [
    {
      title: "The same, giving memory back when warned",
      columns: ["allocator", "by", "times", "given back", "highest", "runs out", "later by"],
      align: ["left", "left", ...Array<Align>(5).fill("right")],
      rows,
      about:
        "A memory round of its own: from high on the allocator purges, from critical on it compacts where it can, as a level begins and " +
        "each half minute that it stands. What purging costs in time is not measured here.",
    },
  ];
}

function signed(value: number): string {
  if (value === 0) return "no later";
  return value < 0 ? `−${seconds(-value)}` : `+${seconds(value)}`;
}

export function forecastTables(forecasts: readonly Forecast[]): ForecastTable[] {
  const first = forecasts[0]?.forecast;
  if (first === undefined) return [];
  return [levels(forecasts, first.limitBytes !== null), ...relieved(forecasts)];
}

/** What is to be known of these figures. */
export function forecastNotes(forecasts: readonly Forecast[]): string[] {
  const first = forecasts[0]?.forecast;
  if (first === undefined) return [];
  const notes = [
    "Memory is the allocator's alone, and time the trace's, which was replayed as fast as it goes: what an allocator gives back after " +
      "some idle time by the clock had no time to go, so that it may run out later than this.",
  ];
  if (forecasts.every(({ forecast }) => forecast.firstForecastS === null)) {
    notes.push(
      `The trace is ${seconds(first.spanS)} long, too short for any forecast (the first takes ten seconds or more): levels follow usage alone.`,
    );
  } else if (first.spanS < 120) {
    notes.push(
      `The trace is ${seconds(first.spanS)} long: forecasts beyond that could not be compared with anything.`,
    );
  }
  return notes;
}

function why({ reason }: LevelEntry): string {
  if (reason === null || reason.kind === "held") return "";
  const [value, threshold] = [formatPercent(reason.value), formatPercent(reason.threshold)];
  return reason.kind === "usage"
    ? `usage ${value} ≥ ${threshold}`
    : `chance of reaching the limit ${value} ≥ ${threshold}`;
}

function heading({ timeToCritical }: LevelEntry): string[] {
  if (timeToCritical === null || timeToCritical.latestS === 0) return [];
  const { earliestS, latestS } = timeToCritical;
  const until = latestS === null ? "or never" : `to ${seconds(latestS)}`;
  return [`critical usage forecast in ${seconds(earliestS)} ${until}`];
}

/** An allocator's memory as a chart, and each level with what was forecast as it was entered. */
export function forecastDetails({ allocator, forecast }: Forecast, width: number): string[] {
  const { chart, spanS, limitBytes, outS, samples } = forecast;
  const drawn = (course: ForecastCourse): string[] =>
    seriesChart(
      { spanS, lowBytes: course.chart.liveBytes, highBytes: course.chart.usedBytes },
      limitBytes,
      course.outS,
      width,
    );
  const lines = [
    `  ${allocator}: ${samples} looks over ${seconds(spanS)}`,
    ...drawn({ ...forecast, chart, outS }),
  ];
  for (const entry of forecast.entries) {
    const minute = entry.horizons.find(({ horizonS }) => horizonS === 60);
    const parts = [
      why(entry),
      ...heading(entry),
      ...(minute === undefined
        ? []
        : [
            `in 60 s ${formatBytes(minute.usedBytes)} [${formatBytes(minute.lowBytes)}, ${formatBytes(minute.highBytes)}]`,
          ]),
      ...(entry.times > 1 ? [`entered ${entry.times} times`] : []),
    ].filter((part) => part !== "");
    lines.push(
      `    ${entry.level} at ${seconds(entry.atS)}, ${formatBytes(entry.usedBytes)}: ${parts.join("; ")}`,
    );
  }
  if (forecast.relieved?.by != null) lines.push("    giving memory back:", ...drawn(forecast.relieved));
  return lines;
}
