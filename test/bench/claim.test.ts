import { describe, expect, it } from "vitest";
import {
  type ClaimSpec,
  claimName,
  findingOf,
  judge,
  shareOf,
  verdictOf,
} from "../../src/bench/claims/claim.js";
import { CLAIMS } from "../../src/bench/claims/claims.js";

const finding = (low: number | null, high: number | null) => ({ estimate: 0.5, low, high });

describe("a verdict", () => {
  const atLeast = { atLeast: 0.4, text: "40 %" };
  const atMost = { atMost: 0.4, text: "40 %" };

  it("follows from the whole interval", () => {
    expect(verdictOf(finding(0.41, 0.6), atLeast)).toBe("met");
    expect(verdictOf(finding(0.3, 0.6), atLeast)).toBe("open");
    expect(verdictOf(finding(0.1, 0.39), atLeast)).toBe("not met");
    expect(verdictOf(finding(0.1, 0.39), atMost)).toBe("met");
    expect(verdictOf(finding(0.3, 0.6), atMost)).toBe("open");
    expect(verdictOf(finding(0.41, 0.6), atMost)).toBe("not met");
  });

  it("is open without an interval", () => {
    expect(verdictOf(finding(null, null), atLeast)).toBe("open");
  });

  it("says why nothing was measured", () => {
    const spec: ClaimSpec = {
      ...{ area: "M001", claim: "hits", target: atLeast, unit: "share", protocol: "p", command: "bench" },
      measure: async () => ({ why: "no counter" }),
    };
    expect(judge(spec, { why: "no counter" })).toMatchObject({
      value: null,
      verdict: "not measured",
      note: "no counter",
    });
  });
});

describe("findings", () => {
  it("have Wilson's interval where they are shares of counts", () => {
    // 8 of 10: 0.490 to 0.943 (Wilson 1927, as in Brown, Cai and DasGupta 2001).
    const found = shareOf(8, 10);
    if ("why" in found) throw new Error(found.why);
    expect(found.estimate).toBe(0.8);
    expect(found.low).toBeCloseTo(0.49, 2);
    expect(found.high).toBeCloseTo(0.943, 2);
    expect(shareOf(0, 0)).toHaveProperty("why");
  });

  it("are medians of readings, and of one reading without ends", () => {
    expect(findingOf([1, 2, 3, 4, 5])).toMatchObject({ estimate: 3 });
    expect(findingOf([7])).toEqual({ estimate: 7, low: null, high: null });
    expect(findingOf([Number.NaN])).toHaveProperty("why");
  });
});

describe("the claims", () => {
  it("are all of the design's: areas, and how many of each", () => {
    const counts: Record<string, number> = {};
    for (const { area } of CLAIMS) counts[area] = (counts[area] ?? 0) + 1;
    expect(counts).toEqual({
      ...{ M001: 6, M002: 5, M003: 5, M004: 6, footprint: 3 },
      ...{ latency: 3, "long run": 3, stability: 3, tests: 3 },
    });
  });

  it("have names of their own, a protocol and a command", () => {
    const names = CLAIMS.map(({ area, claim }) => `${area}: ${claim}`);
    expect(new Set(names).size).toBe(names.length);
    expect(new Set(CLAIMS.map(claimName)).size).toBe(names.length);
    for (const spec of CLAIMS) {
      const { protocol, command } = judge(spec, { why: "not now" });
      expect(protocol).not.toBe("");
      expect(command).toMatch(/^(bench|replay|forecast|doctor|npm run) ?/);
    }
  });
});
