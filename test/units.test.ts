import { describe, expect, it } from "vitest";
import { UsageError } from "../src/errors.js";
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatPercent,
  formatRatio,
  parseBytes,
  parseDuration,
  parsePercent,
} from "../src/units.js";

describe("parseBytes", () => {
  it.each([
    ["4096", 4096],
    ["64KiB", 65536],
    ["64k", 65536],
    ["1.5 MiB", 1572864],
    ["2GB", 2e9],
    ["0", 0],
  ])("reads %s", (text, bytes) => {
    expect(parseBytes(text)).toBe(bytes);
  });

  it.each(["", "KiB", "-1", "1e3", "64 apples", "0x10", "9999999999 TiB"])(
    "refuses %j and says so",
    (text) => {
      expect(() => parseBytes(text)).toThrow(UsageError);
    },
  );
});

describe("parseDuration", () => {
  it.each([
    ["30s", 30e9],
    ["500ms", 5e8],
    ["250us", 25e4],
    ["1.5h", 5400e9],
    ["2", 2e9],
    ["0", 0],
  ])("reads %s", (text, ns) => {
    expect(parseDuration(text)).toBe(ns);
  });

  it("counts a bare number in the unit it is told", () => {
    expect(parseDuration("5", "ms")).toBe(5e6);
  });

  it.each(["", "soon", "-3s", "3 fortnights"])("refuses %j", (text) => {
    expect(() => parseDuration(text)).toThrow(UsageError);
  });
});

describe("parsePercent", () => {
  it.each([
    ["0.1%", 0.001],
    [" 5 % ", 0.05],
    ["0%", 0],
  ])("reads %s", (text, share) => {
    expect(parsePercent(text)).toBeCloseTo(share, 12);
  });

  it.each(["", "5", "%", "-1%", "1e3%"])("refuses %j and says so", (text) => {
    expect(() => parsePercent(text)).toThrow(UsageError);
  });
});

describe("formatting", () => {
  it("keeps three digits and changes the unit where four would be needed", () => {
    expect([0, 999, 1023, 1024, 1536, 1048575, 1048576, 5e12].map(formatBytes)).toEqual([
      "0 B",
      "999 B",
      "1023 B",
      "1.00 KiB",
      "1.50 KiB",
      "1.00 MiB",
      "1.00 MiB",
      "4.55 TiB",
    ]);
  });

  it("writes times in the unit that fits, or the one asked for", () => {
    expect([0.5, 12.34, 999.9, 1500, 2.5e6, 3e9].map((ns) => formatDuration(ns))).toEqual([
      "0.500 ns",
      "12.3 ns",
      "1.00 µs",
      "1.50 µs",
      "2.50 ms",
      "3.00 s",
    ]);
    expect(formatDuration(200e9)).toBe("3m 20s");
    expect(formatDuration(3 * 3600e9)).toBe("3h 0m");
    expect(formatDuration(1500, "ns")).toBe("1500 ns");
    expect(formatDuration(1500, "us")).toBe("1.50 µs");
  });

  it("groups thousands, marks ratios and shares", () => {
    expect(formatCount(1234567)).toBe("1,234,567");
    expect(formatCount(12)).toBe("12");
    expect([0.6234, 12.34, 345.6].map(formatRatio)).toEqual(["0.62×", "12.3×", "346×"]);
    expect([0.0234, 0.5, -0.12].map(formatPercent)).toEqual(["2.3 %", "50 %", "-12 %"]);
  });

  it("has a dash for what is no number", () => {
    expect(
      [formatBytes, formatDuration, formatCount, formatRatio, formatPercent].map((format) =>
        format(Number.NaN),
      ),
    ).toEqual(["–", "–", "–", "–", "–"]);
  });
});
