import type { SeriesColumns } from "../native/pressure.js";

/** What there could have been beside the limit. */
export interface CapacityExtras {
  readonly swapBytes?: number;
  /** How much smaller compressed memory is; half of the limit is compressed at most, as zram is usually set up. */
  readonly zramRatio?: number;
}

/** When usage would have met a limit, and that with extras. Seconds since the start; null: never. */
export interface RunsOut {
  readonly limitBytes: number | null;
  readonly outS: number | null;
  readonly extraBytes: number;
  readonly withExtrasOutS: number | null;
}

const COMPRESSED_SHARE = 0.5;

/** Memory that extras add to a limit. Swapping and compressing take time, which nothing here counts. */
function extraBytes(limitBytes: number, { swapBytes, zramRatio }: CapacityExtras): number {
  const compressed = zramRatio === undefined ? 0 : COMPRESSED_SHARE * limitBytes * (1 - 1 / zramRatio);
  return (swapBytes ?? 0) + compressed;
}

/** One a limit (null: the total of each sample); none where no extra is asked for. */
export function runsOut(
  { timeS, usedBytes, totalBytes }: SeriesColumns,
  limits: readonly (number | null)[],
  extras: CapacityExtras,
): RunsOut[] {
  if (extras.swapBytes === undefined && extras.zramRatio === undefined) return [];
  return limits.map((limitBytes) => {
    let outS: number | null = null;
    let withExtrasOutS: number | null = null;
    let extra = 0;
    for (let at = 0; at < timeS.length && withExtrasOutS === null; at += 1) {
      const limit = limitBytes ?? (totalBytes[at] as number);
      if (!(limit > 0)) continue;
      extra = extraBytes(limit, extras);
      const used = usedBytes[at] as number;
      if (outS === null && used >= limit) outS = timeS[at] as number;
      if (used >= limit + extra) withExtrasOutS = timeS[at] as number;
    }
    return { limitBytes, outS, extraBytes: extra, withExtrasOutS };
  });
}
