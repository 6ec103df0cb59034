/** A decimal number and nothing else; undefined where the text is none. */
export function readNumber(text: string): number | undefined {
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : undefined;
}

const DATE =
  /^(\d{4})[-/](\d\d)[-/](\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?)?\s*(Z|UTC|[+-]\d\d(?::?\d\d)?)?$/i;

/** An ISO 8601 date, in seconds since 1970; without a zone it is one of UTC. Undefined where the text is none. */
export function readDate(text: string): { seconds: number; zoned: boolean } | undefined {
  const match = DATE.exec(text);
  if (match === null) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map((part) => Number(part ?? 0));
  const ms = Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minute, second);
  const date = new Date(ms);
  // What Date.UTC would carry over, such as the 30th of February; a leap second is the second after it.
  if (date.getUTCMonth() + 1 !== month && second !== 60) return undefined;
  if ((hour ?? 0) > 24 || (minute ?? 0) > 59 || (second ?? 0) > 60) return undefined;
  const zone = match[8]?.toUpperCase();
  const offset = zone === undefined || zone === "Z" || zone === "UTC" ? 0 : zoneSeconds(zone);
  return { seconds: ms / 1000 + Number(`0.${match[7] ?? 0}`) - offset, zoned: zone !== undefined };
}

function zoneSeconds(zone: string): number {
  const hours = Number(zone.slice(1, 3));
  const minutes = Number(zone.slice(3).replace(":", ""));
  return (zone.startsWith("-") ? -1 : 1) * (hours * 3600 + minutes * 60);
}

/**
 * How many units of a time are a second, where it names none. Times since 1970 tell it by their magnitude: in seconds they stay
 * below 1e11 until the year 5138, in ms they have been above it since 1973, and so on. What counts from elsewhere is below
 * all of them, and taken as seconds.
 */
export function unitsPerSecond(time: number): number {
  if (time < 1e11) return 1;
  if (time < 1e14) return 1e3;
  return time < 1e17 ? 1e6 : 1e9;
}
