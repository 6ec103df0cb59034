/**
 * A whole course, however long: where it is full, every two points become one, the higher. Points are as far apart as they were told
 * at first, then twice as far, and so on.
 */
export class WholeCourse {
  private readonly x: Float64Array;
  private readonly y: Float64Array;
  private length = 0;
  /** So many told points are one that is kept. */
  private stride = 1;
  private gathered = 0;

  constructor(readonly capacity: number) {
    this.x = new Float64Array(capacity);
    this.y = new Float64Array(capacity);
  }

  push(x: number, y: number): void {
    if (this.gathered > 0) {
      const last = this.length - 1;
      this.y[last] = Math.max(this.y[last] ?? 0, y);
    } else {
      if (this.length === this.capacity) this.halve();
      this.x[this.length] = x;
      this.y[this.length] = y;
      this.length += 1;
    }
    this.gathered = (this.gathered + 1) % this.stride;
  }

  get count(): number {
    return this.length;
  }

  readonly xAt = (index: number): number => this.x[index] ?? 0;
  readonly yAt = (index: number): number => this.y[index] ?? 0;

  get highest(): number {
    let most = 0;
    for (let at = 0; at < this.length; at += 1) most = Math.max(most, this.y[at] ?? 0);
    return most;
  }

  private halve(): void {
    const half = this.capacity >> 1;
    for (let at = 0; at < half; at += 1) {
      this.x[at] = this.x[2 * at] ?? 0;
      this.y[at] = Math.max(this.y[2 * at] ?? 0, this.y[2 * at + 1] ?? 0);
    }
    this.length = half;
    this.stride *= 2;
    this.gathered = 0;
  }
}
