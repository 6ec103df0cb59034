import type { KernelFiles } from "./kernel-files.js";

/** What a hundredth of a second in /proc/uptime, and the time between two looks at clocks, cannot explain. */
const LEAST_SUSPENSION_NS = 1e9;

/**
 * Time since the first look, in whole nanoseconds, whatever is done to the date. The monotonic clock stands still while the
 * machine sleeps and /proc/uptime does not: what they drift apart in one step was a suspension, and counts.
 */
export class SampleClock {
  private readonly first: bigint;
  private apartNs: number | undefined;
  private suspendedNs = 0;

  constructor(
    private readonly files: KernelFiles,
    private readonly monotonic: () => bigint = process.hrtime.bigint,
  ) {
    this.first = this.monotonic();
    this.apartNs = this.apart(0);
  }

  nowNs(): number {
    const awakeNs = Number(this.monotonic() - this.first);
    const apartNs = this.apart(awakeNs);
    if (apartNs !== undefined) {
      this.apartNs ??= apartNs;
      if (apartNs - this.apartNs >= LEAST_SUSPENSION_NS) {
        this.suspendedNs += Math.round(apartNs - this.apartNs);
        this.apartNs = apartNs;
      }
    }
    return awakeNs + this.suspendedNs;
  }

  private apart(awakeNs: number): number | undefined {
    const uptime = Number(this.files.readIfThere("proc/uptime")?.split(" ")[0]);
    return Number.isFinite(uptime) ? uptime * 1e9 - awakeNs : undefined;
  }
}
