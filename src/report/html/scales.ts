/** A unit for an axis, so that its numbers stay small. */
export interface AxisUnit {
  readonly name: string;
  readonly per: number;
}

export function byteUnit(most: number): AxisUnit {
  const names = ["B", "KiB", "MiB", "GiB", "TiB"];
  const power = Math.max(0, Math.min(names.length - 1, Math.floor(Math.log2(Math.max(1, most) / 2) / 10)));
  return { name: names[power] ?? "B", per: 1024 ** power };
}

/** Of plain counts: `events`, `thousand events`, `million events`. */
export function countUnit(most: number, of: string): AxisUnit {
  if (most >= 2e6) return { name: `million ${of}`, per: 1e6 };
  if (most >= 2e3) return { name: `thousand ${of}`, per: 1e3 };
  return { name: of, per: 1 };
}

export function secondUnit(mostS: number): AxisUnit {
  if (mostS >= 7200) return { name: "h", per: 3600 };
  if (mostS >= 240) return { name: "min", per: 60 };
  return { name: "s", per: 1 };
}
