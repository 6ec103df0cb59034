import { describe, expect, it } from "vitest";
import { type Layer, type SpanChartOptions, spanChart } from "../../src/tui/spanChart.js";
import { WholeCourse } from "../../src/tui/wholeCourse.js";

const OPTIONS: SpanChartOptions = {
  ...{ columns: 51, lines: 11, from: 0, to: 100, high: 100, fromText: "0", toText: "100 events" },
  format: (value) => `${Math.round(value)}`,
};

function layer(points: readonly (readonly [number, number | null])[], filled = false): Layer {
  return {
    ...{ kind: filled ? ("live" as const) : ("series" as const), filled, count: points.length },
    x: (index) => points[index]?.[0] ?? 0,
    value: (index) => points[index]?.[1] ?? null,
  };
}

function chart(layers: readonly Layer[], options: Partial<SpanChartOptions> = {}): string[] {
  return spanChart(layers, { ...OPTIONS, ...options }).map((runs) => runs.map(({ text }) => text).join(""));
}

const dots = (line: string | undefined): string => (line ?? "").slice(11);
const drawn = (line: string | undefined): number => dots(line).replaceAll(" ", "").length;

describe("a chart over a span", () => {
  it("holds the last value up to the next, and draws nothing beyond the last point", () => {
    const rows = chart([
      layer([
        [0, 99],
        [50, 1],
        [75, 1],
      ]),
    ]);
    expect(dots(rows[0])).toMatch(/^[\u2801-\u28ff]{20} *$/);
    expect(dots(rows[9])).toMatch(/^ {19,20}[\u2801-\u28ff]{10,11} *$/);
  });

  it("keeps a peak that shares its column with a thousand lower points", () => {
    const points = Array.from({ length: 1000 }, (_, at) => [at / 10, at === 500 ? 95 : 10] as const);
    expect(drawn(chart([layer(points)])[0])).toBeGreaterThan(0);
  });

  it("leaves out what is not known", () => {
    const rows = chart([
      layer([
        [0, 50],
        [30, null],
        [70, 50],
        [100, 50],
      ]),
    ]);
    const line = rows.find((row) => drawn(row) > 0);
    expect(dots(line)).toMatch(/^[\u2801-\u28ff]{11,13} {14,17}[\u2801-\u28ff]{11,13}$/);
  });

  it("fills down to the bottom, with holes, so that a line is told from it without colours", () => {
    const full = chart([layer([[0, 99]].concat([[100, 99]]) as [number, number][], true)]);
    for (const row of full.slice(1, 10)) {
      expect(dots(row)).toMatch(/^[\u2801-\u28ff]{40}$/);
      expect(dots(row)).not.toContain("⣿");
    }
  });

  it("puts the first layer in front", () => {
    const points = [
      [0, 50],
      [100, 50],
    ] as const;
    const rows = spanChart([layer(points), layer(points, true)], OPTIONS);
    const kinds = rows
      .slice(0, -1)
      .map((runs) => runs.map(({ kind }) => kind).filter((kind) => kind !== "axis"));
    expect(kinds.filter((each) => each.includes("series"))).toEqual([["series"]]);
    expect(kinds.filter((each) => each.includes("live")).length).toBeGreaterThanOrEqual(4);
  });

  it("is of one width, with its ends told", () => {
    const rows = chart([layer([[0, 5]])]);
    expect(new Set(rows.map((row) => row.length))).toEqual(new Set([51]));
    expect(rows[0]).toMatch(/^ {7}100 /);
    expect(rows[9]).toMatch(/^ {9}0 /);
    expect(rows.at(-1)).toMatch(/^ {11}0 +100 events$/);
  });

  it("of nothing is empty", () => {
    for (const row of chart([layer([])], { to: 0, high: 0 }).slice(0, -1)) expect(drawn(row)).toBe(0);
  });
});

describe("a whole course", () => {
  it("keeps its beginning, its end and its highest point in any length", () => {
    const course = new WholeCourse(64);
    for (let at = 0; at < 10_000; at += 1) course.push(at, at === 3333 ? 9 : 1);
    expect(course.count).toBeLessThanOrEqual(64);
    expect(course.count).toBeGreaterThanOrEqual(32);
    expect(course.xAt(0)).toBe(0);
    expect(course.xAt(course.count - 1)).toBeGreaterThan(9_600);
    expect(course.highest).toBe(9);
    const highest =
      Array.from({ length: course.count }, (_, at) => at).find((at) => course.yAt(at) === 9) ?? -1;
    expect(Math.abs(course.xAt(highest) - 3333)).toBeLessThan(10_000 / 32);
    const gaps = Array.from({ length: course.count - 1 }, (_, at) => course.xAt(at + 1) - course.xAt(at));
    expect(new Set(gaps).size).toBe(1);
  });

  it("is exact while it is short", () => {
    const course = new WholeCourse(8);
    for (let at = 0; at < 8; at += 1) course.push(at, at * at);
    expect(Array.from({ length: course.count }, (_, at) => course.yAt(at))).toEqual([
      0, 1, 4, 9, 16, 25, 36, 49,
    ]);
  });
});
