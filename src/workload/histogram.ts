/** Values of a trace as rows of an empirical distribution. */

// A bucket of the rest is 1/8 of its octave wide.
const PARTS = 8;
const EXACT_VALUES = 48;
const MOST_TRACKED = 20_000;

/** Counts of values: exact while they are few, in log-linear buckets beyond. */
export class Histogram {
  count = 0;
  private readonly exact = new Map<number, number>();
  private readonly buckets = new Map<number, number>();

  add(value: number): void {
    this.count += 1;
    const known = this.exact.get(value);
    if (known !== undefined || this.exact.size < MOST_TRACKED) {
      this.exact.set(value, (known ?? 0) + 1);
    } else {
      const low = bucketLow(value);
      this.buckets.set(low, (this.buckets.get(low) ?? 0) + 1);
    }
  }

  /** [value, weight] for the most frequent values, at most `most`, [from, to, weight] for the rest; sorted. */
  rows(most = EXACT_VALUES): ([number, number] | [number, number, number])[] {
    const sorted = [...this.exact].sort((a, b) => b[1] - a[1] || a[0] - b[0]);
    const kept: ([number, number] | [number, number, number])[] = sorted.slice(0, most);
    const buckets = new Map(this.buckets);
    for (const [value, count] of sorted.slice(most)) {
      const low = bucketLow(value);
      buckets.set(low, (buckets.get(low) ?? 0) + count);
    }
    for (const [low, count] of buckets) {
      const to = bucketLow(low) + bucketWidth(low) - 1;
      kept.push(to > low ? [low, to, count] : [low, count]);
    }
    return kept.sort((a, b) => a[0] - b[0]);
  }
}

function bucketWidth(value: number): number {
  return value < PARTS ? 1 : 2 ** Math.max(0, Math.floor(Math.log2(value)) - Math.log2(PARTS));
}

function bucketLow(value: number): number {
  const width = bucketWidth(value);
  return Math.floor(value / width) * width;
}
