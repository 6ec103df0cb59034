/** The packages of the system that a server or program needs; installed with apt by root, otherwise asked for. */
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { execute, StepError } from "../steps.mjs";

const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/bin", "/usr/sbin", "/usr/local/bin"];

/** Whether a program of this name is on the path, or where servers are put. */
const has = (program) => folders.some((folder) => folder !== "" && existsSync(join(folder, program)));

/** Sees to it that every program of `needs` is there; gives back what it did. StepError where it may not install. */
export async function install({ packages, needs }) {
  const missing = needs.filter((program) => !has(program));
  if (missing.length === 0) return "all there";
  if (process.getuid?.() !== 0 || !has("apt-get")) {
    throw new StepError(
      `missing: ${missing.join(", ")}; please install with: sudo apt-get install -y ${packages.join(" ")}`,
    );
  }
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  await execute("apt-get", ["update", "-qq"], { env });
  await execute("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...packages], { env });
  const still = needs.filter((program) => !has(program));
  if (still.length > 0)
    throw new StepError(`apt installed ${packages.join(" ")}, and there is still no ${still.join(", ")}`);
  return `installed ${packages.join(" ")}`;
}
