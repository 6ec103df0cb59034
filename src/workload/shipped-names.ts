import { readdirSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../native.js";

export const SHIPPED_FOLDER = join(packageRoot, "workloads");

/** The names of workloads that come with the tool. Apart from their reader, for completion to be quick. */
export function shippedWorkloads(): string[] {
  return readdirSync(SHIPPED_FOLDER)
    .filter((name) => name.endsWith(".yaml"))
    .map((name) => name.slice(0, -".yaml".length))
    .sort();
}
