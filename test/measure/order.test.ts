import { describe, expect, it } from "vitest";
import { interleavings } from "../../src/measure/order.js";
import { Random } from "../../src/statistics/random.js";

describe("the order of rows", () => {
  it("has every row before every other equally often, and a mean place that is the same for all", () => {
    const rows = ["a", "b", "c", "d", "e"];
    const orders = interleavings(rows, new Random(1));
    const rounds = Array.from({ length: 40 }, () => orders.next().value);
    for (const one of rows) {
      const places = rounds.map((round) => round.indexOf(one));
      expect(places.reduce((sum, place) => sum + place, 0)).toBe(40 * 2);
      for (const other of rows.filter((row) => row !== one)) {
        expect(rounds.filter((round) => round.indexOf(one) < round.indexOf(other))).toHaveLength(20);
      }
    }
  });
});
