import type { Random } from "../statistics/random.js";

/**
 * The order of the rows in each round: random permutations, each followed by its reverse. Over any two such rounds
 * every row stands before every other once, and has the same mean place, so that a drift of the machine hits all
 * alike.
 */
export function* interleavings<T>(rows: readonly T[], random: Random): Generator<readonly T[], never> {
  for (;;) {
    const permutation = random.shuffled(rows);
    yield permutation;
    yield [...permutation].reverse();
  }
}
