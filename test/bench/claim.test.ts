import { describe, expect, it } from "vitest";
import {
  type ClaimSpec,
  claimName,
  type Finding,
  findingOf,
  judge,
  type NotMeasured,
  rateOf,
  shareOf,
  verdictOf,
} from "../../src/bench/claims/claim.js";
import { CLAIM_NAMES, CLAIMS } from "../../src/bench/claims/claims.js";

const figure = (found: Finding | NotMeasured): Finding => {
  if ("why" in found) throw new Error(found.why);
  return found;
};

const least = { atLeast: 10, text: "10–20" };
const most = { atMost: 10, text: "5–10" };
const between = (low: number | null, high: number | null): Finding => ({ estimate: 10, low, high });

describe("a verdict", () => {
  it.each([
    [10, 12, "met", "open"],
    [11, 12, "met", "not met"],
    [8, 9.99, "not met", "met"],
    [8, 10, "open", "met"],
    [9, 11, "open", "open"],
    [10, 10, "met", "met"],
    [null, null, "open", "open"],
    [11, null, "open", "open"],
    [null, 9, "open", "open"],
  ])("follows the whole interval: from %s to %s", (low, high, ofLeast, ofMost) => {
    expect(verdictOf(between(low, high), least)).toBe(ofLeast);
    expect(verdictOf(between(low, high), most)).toBe(ofMost);
  });

  it("does not follow the estimate", () => {
    expect(verdictOf({ estimate: 1000, low: 1, high: 2 }, least)).toBe("not met");
  });
});

describe("judging a claim", () => {
  const spec: ClaimSpec = {
    ...{ area: "M009", claim: "speed, more than malloc's by", target: least, unit: "ns", protocol: "p" },
    measure: () => Promise.reject(new Error("it is not to be measured")),
  };

  it("says what is not measured, and why, without a figure", () => {
    expect(judge(spec, { why: "no such machine" })).toEqual({
      ...{ area: "M009", claim: "speed, more than malloc's by", target: "10–20", unit: "ns", protocol: "p" },
      ...{
        command: "bench claims/m009-speed",
        value: null,
        verdict: "not measured",
        note: "no such machine",
      },
    });
  });

  it("gives figure, verdict and note", () => {
    const judged = judge({ ...spec, command: "replay x" }, { ...between(11, 12), note: "malloc: 9" });
    expect(judged).toMatchObject({
      ...{ verdict: "met", note: "malloc: 9", command: "replay x" },
      value: { estimate: 10, low: 11, high: 12 },
    });
    expect(judge(spec, between(11, 12))).not.toHaveProperty("note");
  });
});

describe("a share", () => {
  it.each([
    [8, 10, 0.4902, 0.9433],
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [1, 29, 0.0061, 0.1718],
    [0, 20, 0, 0.1611],
    [20, 20, 0.8389, 1],
  ])("of %i in %i has Wilson's interval", (hits, of, low, high) => {
    const found = figure(shareOf(hits, of));
    expect(found.estimate).toBe(hits / of);
    expect(found.low).toBeCloseTo(low, 4);
    expect(found.high).toBeCloseTo(high, 4);
    expect(found.low).toBeGreaterThanOrEqual(0);
    expect(found.high).toBeLessThanOrEqual(1);
  });

  it("of nothing is not measured", () => {
    expect(shareOf(0, 0)).toEqual({ why: "there was nothing to count" });
  });
});

describe("a rate", () => {
  // The exact ends for counts are quantiles of chi-squared.
  it.each([
    [0, 0, 3.689],
    [1, 0.0253, 5.572],
    [3, 0.619, 8.767],
    [10, 4.795, 18.39],
    [100, 81.36, 121.63],
  ])("of a count of %i has the interval of a Poisson count", (count, low, high) => {
    const found = rateOf(count, 2, 20);
    expect(found.estimate).toBe(count * 10);
    expect(Math.abs((found.low as number) / 10 - low)).toBeLessThan(0.02);
    expect(Math.abs((found.high as number) / 10 / high - 1)).toBeLessThan(0.01);
  });

  it("of nothing in a short time is not known to be low", () => {
    expect(verdictOf(rateOf(0, 100, 1000), { atMost: 10, text: "" })).toBe("open");
  });
});

describe("a figure of several readings", () => {
  it("is their median, and its interval lies about it", () => {
    const found = figure(findingOf([5, 1, 4, 2, 3, 6, 7]));
    expect(found.estimate).toBe(4);
    expect(found.low).toBeGreaterThanOrEqual(1);
    expect(found.low).toBeLessThan(4);
    expect(found.high).toBeGreaterThan(4);
    expect(figure(findingOf([2, 2, 2]))).toEqual({ estimate: 2, low: 2, high: 2 });
  });

  it("has no interval where there is one, and is none where there is none", () => {
    expect(findingOf([3], "n")).toEqual({ estimate: 3, low: null, high: null, note: "n" });
    expect(findingOf([])).toHaveProperty("why");
    expect(findingOf([Number.NaN, Number.POSITIVE_INFINITY])).toHaveProperty("why");
  });
});

/** What the design claimed, with words of the claims that stand for it. */
const PROMISED: readonly (readonly [area: string, claims: readonly RegExp[]])[] = [
  ["M001", [/^fast-path hit rate/, /^time of a call/, /^time of a standard call/, /^overhead/, /^cache eff/]],
  ["M002", [/^accuracy/, /^lead/, /^prevention/, /^false positives/, /^stability/]],
  ["M003", [/^fragmentation/, /^speed/, /^rollback/, /^metadata/, /^throughput of transactions/]],
  [
    "M004",
    [/^overhead/, /^coalescing/, /^free-list hits/, /^fragmentation$/, /^fragmentation of malloc/, /^huge/],
  ],
  ["footprint", [/10 KB/, /500 KB/, /5 MB/]],
  ["latency", [/^hot path/, /256 KB/, /^in a transaction/]],
  ["long run", [/^fragmentation$/, /arenas/, /large/]],
  ["stability", [/^running out/, /^pressure incidents/, /^recovery/]],
  ["tests", [/^cases/, /native/, /TypeScript/]],
];

describe("the claims", () => {
  it.each(PROMISED)("of %s all have a row", (area, patterns) => {
    const rows = CLAIMS.filter((spec) => spec.area === area).map(({ claim }) => claim);
    for (const pattern of patterns)
      expect(
        rows.filter((claim) => pattern.test(claim)),
        `${pattern}`,
      ).toHaveLength(1);
  });

  it("are no others than these, and what one machine can't show", () => {
    const count = PROMISED.reduce((sum, [, patterns]) => sum + patterns.length, 0);
    expect(CLAIMS).toHaveLength(count + 1);
    expect(CLAIMS.filter(({ claim }) => /NUMA/.test(claim))).toHaveLength(1);
  });

  it("have names that can be typed, each another", () => {
    expect(new Set(CLAIM_NAMES).size).toBe(CLAIMS.length);
    for (const name of CLAIM_NAMES) expect(name).toMatch(/^claims\/[a-z0-9]+(-[a-z0-9]+)+$/);
    expect(CLAIM_NAMES).toContain("claims/m003-rollback");
    expect(claimName({ area: "M003", claim: "speed, more than malloc's by" })).toBe("claims/m003-speed");
  });

  it("have a target that says the number that decides", () => {
    for (const { target, claim } of CLAIMS) {
      expect("atLeast" in target ? target.atLeast : target.atMost, claim).toBeGreaterThan(0);
      expect(target.text, claim).not.toBe("");
    }
  });
});
