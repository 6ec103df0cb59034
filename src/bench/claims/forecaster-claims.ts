import type { PooledAlarms, PooledLoop } from "../../pressure/scorecard.js";
import { type ClaimSpec, type Finding, findingOf, type NotMeasured, rateOf, shareOf } from "./claim.js";
import type { Lab, SeriesReading } from "./lab.js";

const SHOW = "forecast workloads/series --limit-sweep --evictable 30%";
const SWEEP = "on the shipped series that nothing was tuned on, with limits of 70 to 150 % of their peaks";

function alarmsOf({ pooled }: SeriesReading): PooledAlarms | undefined {
  return pooled.alarms.find(({ kind }) => kind === "policy");
}

function loopOf({ pooled }: SeriesReading): PooledLoop | undefined {
  return pooled.closedLoop.find(({ policy }) => policy === "policy");
}

const NO_RUN: NotMeasured = { why: "no series reached a limit" };

type Of<T> = (value: T, reading: SeriesReading) => Finding | NotMeasured;

const byAlarms =
  (of: Of<PooledAlarms>) =>
  async (lab: Lab): Promise<Finding | NotMeasured> => {
    const reading = await lab.ownSeries();
    const alarms = alarmsOf(reading);
    return alarms === undefined ? NO_RUN : of(alarms, reading);
  };

const byLoop =
  (of: Of<PooledLoop>) =>
  async (lab: Lab): Promise<Finding | NotMeasured> => {
    const reading = await lab.ownSeries();
    const loop = loopOf(reading);
    return loop === undefined ? NO_RUN : of(loop, reading);
  };

/** Hours of all series under each of their limits. */
function limitHours({ series }: SeriesReading): number {
  return series.reduce((sum, { spanS, limits }) => sum + (spanS * limits.length) / 3600, 0);
}

const rates = (count: number, hours: number, perHours: number): string =>
  ((count / hours) * perHours).toFixed(1);

export const forecasterClaims: readonly ClaimSpec[] = [
  {
    area: "M002",
    claim: "accuracy",
    target: { atLeast: 0.75, text: "75–85 %" },
    unit: "share",
    protocol: `of the times that memory ran out and somebody could have seen it 30 s ahead, those that were: ${SWEEP}`,
    command: SHOW,
    measure: byAlarms(({ caught }, { pooled }) =>
      shareOf(Math.min(caught, pooled.warnable), pooled.warnable),
    ),
  },
  {
    area: "M002",
    claim: "lead of a true alarm",
    target: { atLeast: 30, text: "30–120 s" },
    unit: "s",
    protocol: `median of the true alarms: ${SWEEP}`,
    command: SHOW,
    measure: async (lab) => {
      const { series } = await lab.ownSeries();
      return findingOf(
        series.flatMap(({ limits }) =>
          limits.flatMap(({ alarms }) => (alarms.policy.leadS === null ? [] : [alarms.policy.leadS])),
        ),
      );
    },
  },
  {
    area: "M002",
    claim: "prevention of running out",
    target: { atLeast: 0.92, text: "92–98 %" },
    unit: "share",
    protocol: `closed loop with 30 % of usage evictable: ${SWEEP}`,
    command: SHOW,
    measure: byLoop(({ prevented, outs }) => shareOf(prevented, outs)),
  },
  {
    area: "M002",
    claim: "false positives",
    target: { atMost: 0.1, text: "< 10 %" },
    unit: "share",
    protocol: `of all alarms those that no running out followed: ${SWEEP}`,
    command: SHOW,
    measure: byAlarms(({ falseAlarms, trueAlarms }) => shareOf(falseAlarms, falseAlarms + trueAlarms)),
  },
  {
    area: "M002",
    claim: "stability, more than without by",
    target: { atLeast: 0.28, text: "28–35 %" },
    unit: "share",
    protocol: `runs that do not end without memory, with 30 % evictable and without eviction: ${SWEEP}`,
    command: SHOW,
    measure: byLoop(({ prevented, outs }, { series }) => {
      const runs = series.reduce((sum, { limits }) => sum + limits.length, 0);
      const survived = runs - outs;
      if (survived === 0) return { why: "without eviction every run ended without memory" };
      const share = shareOf(prevented, outs);
      if ("why" in share) return share;
      const gain = (part: number | null): number | null => (part === null ? null : (part * outs) / survived);
      return { estimate: prevented / survived, low: gain(share.low), high: gain(share.high) };
    }),
  },
];

export const stabilityClaims: readonly ClaimSpec[] = [
  {
    area: "stability",
    claim: "running out, in 1000 hours",
    target: { atMost: 2, text: "0.5–2 (from 12–15)" },
    unit: "",
    protocol: `closed loop with 30 % of usage evictable: ${SWEEP}; loads and limits were chosen to run out often`,
    command: SHOW,
    measure: byLoop(({ outs, prevented }, reading) => {
      const hours = limitHours(reading);
      return rateOf(outs - prevented, hours, 1000, `without eviction: ${rates(outs, hours, 1000)}`);
    }),
  },
  {
    area: "stability",
    claim: "pressure incidents a day",
    target: { atMost: 10, text: "5–10 (from 45–60)" },
    unit: "",
    protocol: `alarms, where an alarm at 80 % of usage is what there was before: ${SWEEP}`,
    command: SHOW,
    measure: byAlarms(({ trueAlarms, falseAlarms }, reading) => {
      const before = reading.pooled.alarms.find(({ kind }) => kind === "static80");
      const hours = limitHours(reading);
      const note =
        before === undefined
          ? undefined
          : `at 80 %: ${rates(before.trueAlarms + before.falseAlarms, hours, 24)}`;
      return rateOf(trueAlarms + falseAlarms, hours, 24, note);
    }),
  },
  {
    area: "stability",
    claim: "recovery",
    target: { atMost: 5, text: "2–5 s (from 15–30)" },
    unit: "s",
    protocol: `how long an alarm that no running out followed stands, median: ${SWEEP}`,
    command: SHOW,
    measure: async (lab) => {
      const { series } = await lab.ownSeries();
      return findingOf(
        series.flatMap(({ limits }) =>
          limits.flatMap(({ alarms }) =>
            alarms.policy.alarms.filter((alarm) => !alarm.true).map(({ beginS, endS }) => endS - beginS),
          ),
        ),
      );
    },
  },
];
