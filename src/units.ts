import { UsageError } from "./errors.js";

/** Sizes, times, counts and ratios, as people write and read them. */

const BYTE_UNITS: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  k: 1024,
  kb: 1000,
  kib: 1024,
  m: 1024 ** 2,
  mb: 1000 ** 2,
  mib: 1024 ** 2,
  g: 1024 ** 3,
  gb: 1000 ** 3,
  gib: 1024 ** 3,
  t: 1024 ** 4,
  tb: 1000 ** 4,
  tib: 1024 ** 4,
};

const NS_PER_UNIT: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  min: 60e9,
  h: 3600e9,
  d: 86400e9,
};

/** The units of sizes and times, in small letters; capitals count the same. */
export const SIZE_UNITS: readonly string[] = Object.keys(BYTE_UNITS);
export const DURATION_UNITS: readonly string[] = Object.keys(NS_PER_UNIT);

/** `64KiB`, `1.5M`, `4096` → bytes. KB is 1000, K and KiB are 1024. Throws UsageError `bad-size`. */
export function parseBytes(text: string): number {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(text);
  const unit = match ? BYTE_UNITS[(match[2] ?? "").toLowerCase()] : undefined;
  if (!match || unit === undefined) {
    throw new UsageError("bad-size", `"${text}" is not a size`, {
      remedy: "Write it like 4096, 64KiB or 1.5MiB.",
    });
  }
  const bytes = Number(match[1]) * unit;
  if (bytes > Number.MAX_SAFE_INTEGER) {
    throw new UsageError("bad-size", `"${text}" is larger than any size here may be (8 PiB)`);
  }
  return Math.round(bytes);
}

/** `30s`, `1.5h`, `250us` → nanoseconds. A bare number counts in `defaultUnit`. Throws UsageError `bad-duration`. */
export function parseDuration(text: string, defaultUnit: "ns" | "us" | "ms" | "s" = "s"): number {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([a-zµμ]*)\s*$/i.exec(text);
  const unit = match ? NS_PER_UNIT[(match[2] || defaultUnit).toLowerCase()] : undefined;
  if (!match || unit === undefined) {
    throw new UsageError("bad-duration", `"${text}" is not a time`, {
      remedy: "Write it like 30s, 500ms or 2h.",
    });
  }
  return Number(match[1]) * unit;
}

/** `0.1%` → 0.001. Throws UsageError `bad-percent`. */
export function parsePercent(text: string): number {
  const match = /^\s*(\d+(?:\.\d+)?)\s*%\s*$/.exec(text);
  if (!match) {
    throw new UsageError("bad-percent", `"${text}" is not a percentage`, {
      remedy: "Write it like 0.1% or 5%.",
    });
  }
  return Number(match[1]) / 100;
}

/** Three significant digits, never in exponent form: 0.0123, 1.23, 12.3, 123, 1235. */
function significant(value: number): string {
  const magnitude = Math.abs(value);
  if (magnitude >= 99.95 || magnitude === 0) return value.toFixed(0);
  if (magnitude >= 9.995) return value.toFixed(1);
  if (magnitude >= 0.9995) return value.toFixed(2);
  return value.toFixed(3);
}

/** 1536 → `1.50 KiB`. Bytes below 1 KiB have no decimals. */
export function formatBytes(bytes: number): string {
  if (!Number.isFinite(bytes)) return "–";
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let value = bytes;
  let index = 0;
  while (Math.abs(value) >= 1023.5 && index < units.length - 1) {
    value /= 1024;
    index += 1;
  }
  return `${index === 0 ? value.toFixed(0) : significant(value)} ${units[index] ?? "B"}`;
}

export const TIME_UNITS = ["ns", "us", "ms", "s"] as const;
export type TimeUnit = (typeof TIME_UNITS)[number];

/** 1.5e6 ns → `1.50 ms`; with a unit given, in that unit. Beyond two minutes `3m 20s`. */
export function formatDuration(ns: number, unit?: TimeUnit): string {
  if (!Number.isFinite(ns)) return "–";
  if (unit !== undefined)
    return `${significant(ns / (NS_PER_UNIT[unit] ?? 1))} ${unit === "us" ? "µs" : unit}`;
  const magnitude = Math.abs(ns);
  if (magnitude < 999.5) return `${significant(ns)} ns`;
  if (magnitude < 999.5e3) return `${significant(ns / 1e3)} µs`;
  if (magnitude < 999.5e6) return `${significant(ns / 1e6)} ms`;
  if (magnitude < 120e9) return `${significant(ns / 1e9)} s`;
  const seconds = Math.round(ns / 1e9);
  if (seconds < 7200) return `${Math.floor(seconds / 60)}m ${seconds % 60}s`;
  return `${Math.floor(seconds / 3600)}h ${Math.floor((seconds % 3600) / 60)}m`;
}

/** 1234567 → `1,234,567`. */
export function formatCount(count: number): string {
  if (!Number.isFinite(count)) return "–";
  return Math.round(count)
    .toString()
    .replace(/\B(?=(\d{3})+(?!\d))/g, ",");
}

/** 0.6234 → `0.62×`, 12.34 → `12.3×`. */
export function formatRatio(ratio: number): string {
  if (!Number.isFinite(ratio)) return "–";
  if (ratio >= 100) return `${ratio.toFixed(0)}×`;
  return `${ratio >= 10 ? ratio.toFixed(1) : ratio.toFixed(2)}×`;
}

/** 0.0234 → `2.3 %`. */
export function formatPercent(share: number): string {
  if (!Number.isFinite(share)) return "–";
  const percent = share * 100;
  return `${Math.abs(percent) >= 10 ? percent.toFixed(0) : percent.toFixed(1)} %`;
}
