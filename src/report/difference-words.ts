import { formatBytes, formatCount } from "../units.js";

/** A count for each transaction: 0.034, 2.4, 1,234. */
export function small(count: number): string {
  const magnitude = Math.abs(count);
  if (magnitude >= 100 || Number.isInteger(count)) return formatCount(count);
  return magnitude >= 1 ? count.toFixed(1) : count.toPrecision(2);
}

const sign = (value: number): string => (value > 0 ? "+" : value < 0 ? "−" : "");

/** +2.0, −0.31, 0. */
export function signed(count: number): string {
  return `${sign(count)}${small(Math.abs(count))}`;
}

export function signedBytes(bytes: number): string {
  return `${sign(bytes)}${formatBytes(Math.abs(bytes))}`;
}

/** The type as a word: `new-order`, or `transaction` where nobody named it. */
export function typeName(type: string | null): string {
  return type === null || type === "" ? "transaction" : type;
}
