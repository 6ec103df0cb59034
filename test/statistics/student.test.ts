import { describe, expect, it } from "vitest";
import { normalCdf, studentCdf, studentQuantile } from "../../src/statistics/student.js";

describe("normalCdf", () => {
  // Abramowitz and Stegun, table 26.1.
  it.each([
    [0, 0.5],
    [1, 0.8413447461],
    [-1.96, 0.0249978951],
    [3, 0.998650102],
  ])("is right at %f", (z, p) => {
    expect(normalCdf(z)).toBeCloseTo(p, 6);
  });
});

describe("Student's t", () => {
  // Two-sided 95 % points of every table of t.
  it.each([
    [1, 12.7062],
    [2, 4.3027],
    [4, 2.7764],
    [9, 2.2622],
    [30, 2.0423],
    [99, 1.9842],
  ])("has its 97.5 %% point with %i degrees of freedom at %f", (degrees, t) => {
    expect(studentQuantile(0.975, degrees)).toBeCloseTo(t, 3);
    expect(studentCdf(t, degrees)).toBeCloseTo(0.975, 4);
    expect(studentCdf(-t, degrees)).toBeCloseTo(0.025, 4);
  });
});
