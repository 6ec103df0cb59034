import { describe, expect, it } from "vitest";
import { sparkline } from "../../src/report/sparkline.js";

describe("a sparkline", () => {
  it("shows the largest value as a full block", () => {
    expect(sparkline([1, 2, 3, 4, 5, 6, 7, 8], 8)).toBe("▁▂▃▄▅▆▇█");
  });

  it("keeps a peak that is one of many values", () => {
    const values = Array.from({ length: 1000 }, (_, at) => (at === 777 ? 100 : 1));
    expect([...sparkline(values, 10)].map((block) => block === "█")).toEqual(
      Array.from({ length: 10 }, (_, at) => at === 7),
    );
  });

  it("is no longer than there are values, and flat where there is nothing", () => {
    expect(sparkline([], 10)).toBe("");
    expect(sparkline([0, 0], 10)).toBe("▁▁");
  });
});
