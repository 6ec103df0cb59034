import type { Claim, ClaimVerdict } from "../../measure/measurement-bench.js";
import { medianInterval, type OpenInterval } from "../../statistics/bootstrap.js";
import { Random } from "../../statistics/random.js";
import type { Lab } from "./lab.js";

/** What a claim promises: a range of which the end that is easier to reach counts. */
export type Target =
  | { readonly atLeast: number; readonly text: string }
  | { readonly atMost: number; readonly text: string };

/** A figure with its 95 % interval; no ends where one reading is all there is. */
export interface Finding extends OpenInterval {
  readonly note?: string;
}

/** Why there is no figure. */
export interface NotMeasured {
  readonly why: string;
}

/** One promise of the design, and how it is put to the test. */
export interface ClaimSpec {
  readonly area: string;
  readonly claim: string;
  readonly target: Target;
  readonly unit: string;
  readonly protocol: string;
  /** The words behind `rustydb-mem` that show the same figures in detail; by default the claim is measured again. */
  readonly command?: string;
  readonly measure: (lab: Lab) => Promise<Finding | NotMeasured>;
}

/** What the command line calls a claim: `claims/m003-rollback`. What it is compared with is left out. */
export function claimName({ area, claim }: Pick<ClaimSpec, "area" | "claim">): string {
  const words = `${area} ${claim.replace(/, (less|more) than .*$/, "")}`.toLowerCase();
  return `claims/${words.replace(/[^a-z0-9]+/g, "-")}`;
}

/** The median of several readings with its interval; NotMeasured where there is none. */
export function findingOf(values: readonly number[], note?: string): Finding | NotMeasured {
  const known = values.filter((value) => Number.isFinite(value));
  if (known.length === 0) return { why: "nothing came out of the measurement" };
  return { ...medianInterval(known, new Random(1)), ...(note === undefined ? {} : { note }) };
}

/** A share of counts, with Wilson's interval (J. Am. Stat. Assoc. 22, 1927). */
export function shareOf(hits: number, of: number, note?: string): Finding | NotMeasured {
  if (of === 0) return { why: "there was nothing to count" };
  const z = 1.96;
  const p = hits / of;
  const middle = (p + (z * z) / (2 * of)) / (1 + (z * z) / of);
  const reach = (z / (1 + (z * z) / of)) * Math.sqrt((p * (1 - p)) / of + (z * z) / (4 * of * of));
  const low = Math.max(0, middle - reach);
  const high = Math.min(1, middle + reach);
  return { estimate: p, low, high, ...(note === undefined ? {} : { note }) };
}

/** A count as a rate. Its interval is that of a Poisson count, as Byar approximates it; of none at all it goes up to 3.7. */
export function rateOf(count: number, hours: number, perHours: number, note?: string): Finding {
  const end = (of: number, z: number): number => of * (1 - 1 / (9 * of) + z / (3 * Math.sqrt(of))) ** 3;
  const rate = (value: number): number => (value / hours) * perHours;
  return {
    estimate: rate(count),
    low: count === 0 ? 0 : rate(Math.max(0, end(count, -1.96))),
    high: rate(end(count + 1, 1.96)),
    ...(note === undefined ? {} : { note }),
  };
}

/** `met` and `not met` by the whole interval; where it reaches over the end of the target, or there is none, `open`. */
export function verdictOf(finding: Finding, target: Target): ClaimVerdict {
  const { low, high } = finding;
  if (low === null || high === null) return "open";
  if ("atLeast" in target) return low >= target.atLeast ? "met" : high < target.atLeast ? "not met" : "open";
  return high <= target.atMost ? "met" : low > target.atMost ? "not met" : "open";
}

export function judge(spec: ClaimSpec, found: Finding | NotMeasured): Claim {
  const { area, claim, target, protocol, unit, command = `bench ${claimName(spec)}` } = spec;
  const row = { area, claim, target: target.text, protocol, unit, command };
  if ("why" in found) return { ...row, value: null, verdict: "not measured", note: found.why };
  const { note, ...value } = found;
  return { ...row, value, verdict: verdictOf(found, target), ...(note === undefined ? {} : { note }) };
}
