import type { PressureForecaster, PressureState } from "../../native/pressure.js";

/** One sample as a trace holds it: whole numbers, so that what is read back gives the same forecasts to the last bit. */
export interface Sample {
  /** Since the first one. */
  readonly timeNs: number;
  readonly usedBytes: number;
  readonly totalBytes: number;
  readonly swapBytes: number | null;
  /** `some avg10`, in 1/1000 percent. */
  readonly psiMillipercent: number | null;
}

/** Gives a sample to the forecaster, live and out of a recording alike. */
export function observeSample(forecaster: PressureForecaster, sample: Sample): PressureState {
  const { timeNs, usedBytes, totalBytes, swapBytes, psiMillipercent } = sample;
  return forecaster.observe(
    timeNs / 1e9,
    usedBytes,
    totalBytes,
    swapBytes ?? Number.NaN,
    psiMillipercent === null ? Number.NaN : psiMillipercent / 1000,
    Number.NaN,
    Number.NaN,
  );
}
