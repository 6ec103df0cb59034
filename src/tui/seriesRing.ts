/** The last samples of a series, for the chart; what is older is written over. */
export class SeriesRing {
  private readonly times: Float64Array;
  private readonly values: Float64Array;
  private count = 0;

  constructor(readonly capacity: number) {
    this.times = new Float64Array(capacity);
    this.values = new Float64Array(capacity);
  }

  push(timeS: number, value: number): void {
    const at = this.count % this.capacity;
    this.times[at] = timeS;
    this.values[at] = value;
    this.count += 1;
  }

  get length(): number {
    return Math.min(this.count, this.capacity);
  }

  /** Samples from `fromS` on, and the one before them, oldest first. */
  since(fromS: number): { timeS: number; value: number }[] {
    const found: { timeS: number; value: number }[] = [];
    for (let back = 1; back <= this.length; back += 1) {
      const at = (this.count - back) % this.capacity;
      const timeS = this.times[at] ?? 0;
      found.push({ timeS, value: this.values[at] ?? 0 });
      if (timeS < fromS) break;
    }
    return found.reverse();
  }
}
