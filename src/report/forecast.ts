import type { EvictionPolicy, LimitScore, ReliabilityBin } from "../native/pressure.js";
import type { SeriesBacktest } from "../pressure/backtest.js";
import type { ForecastResult } from "../pressure/forecast-result.js";
import type { OriginScore, PooledAlarms, PooledHorizon, PooledLoop } from "../pressure/scorecard.js";
import type { Interval } from "../statistics/bootstrap.js";
import { formatBytes, formatCount, formatDuration, formatPercent, formatRatio } from "../units.js";

/** What a backtest found, as sentences and tables that every kind of report prints. */

export interface ReportTable {
  readonly title: string;
  /** What stands in the columns, and how to read them. */
  readonly about: string;
  readonly columns: readonly string[];
  /** The first is a name, the others are figures. */
  readonly rows: readonly (readonly string[])[];
}

const HORIZONS = ["30 s", "60 s", "120 s"];

const POLICY_NAMES: Readonly<Record<EvictionPolicy, string>> = {
  policy: "early warning",
  static80: "static 80 %",
  static90: "static 90 %",
  static95: "static 95 %",
  oracle: "oracle",
};

const LEAST_IN_BIN = 200;
/** What is off by less more than "no change" is as good as it. */
const NOTICEABLY_WORSE = 1.01;

const originsOf = ({ scorecard }: ForecastResult): readonly OriginScore[] =>
  scorecard.all === null ? scorecard.origins : [...scorecard.origins, scorecard.all];

const seconds = (value: number): string => formatDuration(value * 1e9);

function interval({ estimate, low, high }: Interval): string {
  const ends = Number.isNaN(low) ? "" : ` [${low.toFixed(2)}, ${high.toFixed(2)}]`;
  return `${estimate.toFixed(2)}${ends}`;
}

const minuteOf = (origin: OriginScore): PooledHorizon | undefined =>
  origin.models[0]?.horizons.find(({ horizonS }) => horizonS === 60) ?? origin.models[0]?.horizons.at(-1);

/** The answer first. */
export function forecastAnswer(result: ForecastResult): string {
  const { scorecard } = result;
  const pooled = scorecard.all ?? scorecard.origins[0];
  if (pooled === undefined) return "There is no series.";
  const model = pooled.models[0]?.model ?? result.request.model;
  const minute = minuteOf(pooled);
  const sentences: string[] =
    scorecard.short.length === scorecard.series.length
      ? ["None of these series is half an hour long, so the figures prove little."]
      : [];
  if (minute !== undefined) {
    const { ratio } = minute;
    const ahead = `${minute.horizonS} s ahead`;
    const judged =
      ratio.high < 1
        ? `are off by ${formatRatio(ratio.estimate)} of what "no change" is off by`
        : ratio.low > NOTICEABLY_WORSE
          ? `are worse than "no change" (${formatRatio(ratio.estimate)} of its error)`
          : `are no better than "no change" (${formatRatio(ratio.estimate)} of its error)`;
    sentences.push(
      `On ${formatCount(pooled.series)} series (${pooled.hours.toFixed(1)} h) the ${model} forecasts ${ahead} ${judged}, ` +
        `and ${formatPercent(minute.coverage)} of usage lies in their 90 % intervals.`,
    );
  }
  const [own, , usual] = pooled.alarms;
  if (own !== undefined && usual !== undefined && pooled.outs > 0) {
    sentences.push(
      `Of ${formatCount(pooled.outs)} times that memory runs out it warns of ${own.caught} half a minute to ten minutes ahead, ` +
        `with ${own.falseAlarmsPerHour.toFixed(2)} false alarms an hour; an alarm at 90 % of ${usual.caught}, with ${usual.falseAlarmsPerHour.toFixed(2)}. ` +
        `${pooled.warnable} could have been seen by anybody.`,
    );
  }
  return sentences.join(" ");
}

export function forecastTables(result: ForecastResult): ReportTable[] {
  const origins = originsOf(result);
  if (origins.length === 0) return [];
  return [
    errors(origins),
    intervals(origins),
    ...alarms(origins),
    ...closedLoops(origins),
    ...chances(origins),
    ...extras(result),
    ...optimised(result),
  ];
}

function errors(origins: readonly OriginScore[]): ReportTable {
  return {
    title: "Error over that of no change",
    about:
      "Mean absolute error, each series in units of its peak; below 1 is better than saying that nothing will change. " +
      "In brackets the 95 % interval of a bootstrap over blocks of ten minutes; moving: where usage moved by more than a hundredth.",
    columns: ["origin, model", ...HORIZONS, "moving, 60 s"],
    rows: origins.flatMap((origin) =>
      origin.models.map(({ model, horizons }) => [
        `${origin.origin}, ${model}`,
        ...HORIZONS.map((_, index) => {
          const found = horizons.find(({ horizonS }) => horizonS === [30, 60, 120][index]);
          return found === undefined ? "–" : interval(found.ratio);
        }),
        horizons.find(({ horizonS }) => horizonS === 60)?.movingRatio?.toFixed(2) ?? "–",
      ]),
    ),
  };
}

function intervals(origins: readonly OriginScore[]): ReportTable {
  return {
    title: "Intervals of nine cases in ten",
    about:
      "Covered: how much lay in them. Width: as a share of the peak. Pinball: their loss over that of no change with the quantiles " +
      "of its errors known by then, and of the whole series, which no forecaster knows.",
    columns: ["origin, horizon", "covered", "where it moved", "width", "pinball", "in hindsight"],
    rows: origins.flatMap((origin) =>
      (origin.models[0]?.horizons ?? []).map((each) => [
        `${origin.origin}, ${each.horizonS} s`,
        formatPercent(each.coverage),
        each.movingCoverage === null ? "–" : formatPercent(each.movingCoverage),
        formatPercent(each.width),
        formatRatio(each.pinballRatio),
        formatRatio(each.hindsightRatio),
      ]),
    ),
  };
}

function alarms(origins: readonly OriginScore[]): ReportTable[] {
  const judged = origins.filter((origin) => origin.alarms.length > 0);
  if (judged.length === 0) return [];
  const row = (origin: OriginScore, each: PooledAlarms): string[] => {
    const all = each.trueAlarms + each.falseAlarms;
    return [
      `${origin.origin}, ${POLICY_NAMES[each.kind]}`,
      `${each.caught} of ${each.outs}`,
      all === 0 ? "–" : formatPercent(each.trueAlarms / all),
      each.falseAlarmsPerHour.toFixed(2),
      each.leadS === null
        ? "–"
        : `${seconds(each.leadS.p10)} / ${seconds(each.leadS.p50)} / ${seconds(each.leadS.p90)}`,
    ];
  };
  return [
    {
      title: "Alarms before memory runs out",
      about:
        "True: began 30 to 600 s before, and still stood in the last minute. Lead: the shortest tenth, the median, the longest tenth. " +
        `Could have been seen half a minute ahead: ${judged.map((each) => `${each.origin} ${each.warnable} of ${each.outs}`).join(", ")}.`,
      columns: ["origin, alarm", "seen", "precision", "false an hour", "lead"],
      rows: judged.flatMap((origin) => origin.alarms.map((each) => row(origin, each))),
    },
  ];
}

function closedLoops(origins: readonly OriginScore[]): ReportTable[] {
  const row = (origin: OriginScore, each: PooledLoop): string[] => [
    `${origin.origin}, ${formatPercent(each.evictable)} evictable, ${POLICY_NAMES[each.policy]}`,
    `${each.prevented} of ${each.outs}`,
    each.evicted.toFixed(2),
    each.needless.toFixed(2),
    each.refaulted.toFixed(2),
    each.needless === 0 ? (each.prevented === 0 ? "–" : "all") : (each.prevented / each.needless).toFixed(1),
  ];
  const rows = origins.flatMap((origin) => origin.closedLoop.map((each) => row(origin, each)));
  if (rows.length === 0) return [];
  return [
    {
      title: "Had it evicted",
      about:
        "Usage less what each policy would have evicted, at rates and with a latency as real caches have; bytes in multiples of the limit. " +
        "Needless: the limit would not have been reached within ten minutes. The oracle knows the future: no policy can do more.",
      columns: ["origin, policy", "prevented", "evicted", "needless", "read again", "prevented / needless"],
      rows,
    },
  ];
}

function binsText(bins: readonly ReliabilityBin[]): string[] {
  return bins.map((bin) =>
    bin.samples < LEAST_IN_BIN
      ? "–"
      : `${formatPercent(bin.chance / bin.samples)} → ${formatPercent(bin.cameTrue / bin.samples)}`,
  );
}

function chances(origins: readonly OriginScore[]): ReportTable[] {
  const tables = origins.flatMap((origin) => {
    const rows = [[`${origin.origin}, confidence`, ...binsText(origin.confidence)]];
    if (origin.brier !== null)
      rows.push([
        `${origin.origin}, limit (Brier ${origin.brier.toFixed(4)})`,
        ...binsText(origin.reliability),
      ]);
    return rows;
  });
  return [
    {
      title: "What chances came true",
      about:
        `By tenths: the chance that was said, and how often it came true, where ${LEAST_IN_BIN} samples or more tell. Confidence: to be off by less than ` +
        "a hundredth after a minute. Limit: to reach it in time; limits just above a peak are never reached, whatever was likely.",
      columns: ["origin", ...Array.from({ length: 10 }, (_, bin) => `${bin * 10} %`)],
      rows: tables,
    },
  ];
}

function extras({ scorecard }: ForecastResult): ReportTable[] {
  const rows = scorecard.series.flatMap((each) =>
    each.extras.map((extra) => [
      `${each.name}, ${extra.limitBytes === null ? "its total" : formatBytes(extra.limitBytes)}`,
      formatBytes(extra.extraBytes),
      extra.outS === null ? "never" : `after ${seconds(extra.outS)}`,
      extra.withExtrasOutS === null ? "never" : `after ${seconds(extra.withExtrasOutS)}`,
    ]),
  );
  if (rows.length === 0) return [];
  return [
    {
      title: "With swap or compressed memory",
      about: "When memory runs out without and with them; what swapping costs in time is not in it.",
      columns: ["series, limit", "more", "runs out", "runs out with it"],
      rows,
    },
  ];
}

function optimised({ optimised: found }: ForecastResult): ReportTable[] {
  if (found === null) return [];
  const { tried, chosen, training, heldOut } = found;
  const row = (name: string, each: PooledAlarms | undefined): string[] =>
    each === undefined
      ? [name, "–", "–"]
      : [name, `${each.caught} of ${each.outs}`, each.falseAlarmsPerHour.toFixed(2)];
  return [
    {
      title: "The policy that was found",
      about:
        `Of ${tried} policies, on every other series, the one that saw most with at most ${found.falseAlarmsPerHour} false alarms an hour: ` +
        `--thresholds ${chosen.thresholds.map((each) => Number((each * 100).toFixed(1))).join(",")} ` +
        `--chances ${chosen.chances.map((each) => Number((each * 100).toFixed(1))).join(",")} --ahead ${chosen.aheadS}s.`,
      columns: ["series", "seen", "false an hour"],
      rows: [
        row("chosen on", training.policy),
        row("chosen on, static 90 %", training.static90),
        row("held out", heldOut.policy),
        row("held out, static 90 %", heldOut.static90),
      ],
    },
  ];
}

/** Why each alarm was raised, in sentences. */
export function explainAlarms(series: SeriesBacktest): string[] {
  return series.limits.flatMap((limit) => {
    const under = `limit ${limit.limitBytes === null ? "as told" : formatBytes(limit.limitBytes)}`;
    const out =
      limit.outS === null ? "which is never reached" : `which is reached after ${seconds(limit.outS)}`;
    return [`${series.name}, ${under}, ${out}:`, ...alarmLines(limit)];
  });
}

function alarmLines({ alarms: { policy }, outS }: LimitScore): string[] {
  if (policy.alarms.length === 0) return ["  no alarm"];
  return policy.alarms.map((alarm) => {
    const why = alarm.ahead
      ? `a chance of ${formatPercent(alarm.chance)} to reach the limit`
      : `usage at ${formatPercent(alarm.usage)} (chance to reach the limit ${formatPercent(alarm.chance)})`;
    const lead = outS === null ? Number.NaN : outS - alarm.beginS;
    const verdict = alarm.true
      ? `true, ${seconds(lead)} ahead`
      : lead < 30
        ? "too late to help"
        : lead <= 600
          ? "false: it did not stand to the end"
          : "false";
    return `  after ${seconds(alarm.beginS)} for ${seconds(alarm.endS - alarm.beginS)}: ${why}; ${verdict}`;
  });
}
