import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("../../../shared/data/traces", import.meta.url));

/** Real traces of others, which are not part of the project. */
export const sharedTraces = existsSync(folder);
export const sharedTrace = (name: string): string => join(folder, name);

if (!sharedTraces) process.stderr.write(`skipped: the tests on real traces, since ${folder} is not there\n`);
