import { compiler } from "./compiler.js";
import { mariadb } from "./mariadb.js";
import { postgres } from "./postgres.js";
import type { Program } from "./program.js";
import { python } from "./python.js";
import { redis } from "./redis.js";
import { sqlite } from "./sqlite.js";

export const PROGRAMS: readonly Program[] = [redis, postgres, mariadb, sqlite, python, compiler];

/** Those of these names, in their own order; all of none. Throws on a name that is none of theirs. */
export function choosePrograms(names: readonly string[], among: readonly Program[] = PROGRAMS): Program[] {
  const known = among.map(({ name }) => name);
  const wrong = names.find((name) => !known.includes(name));
  if (wrong !== undefined) throw new Error(`there is no program "${wrong}" here: ${known.join(", ")}`);
  return among.filter(({ name }) => names.length === 0 || names.includes(name));
}
