/** The workloads that come with the tool: workloads/NAME.yaml. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../errors.js";
import { compileWorkload, type WorkloadOverrides } from "./compile.js";
import { readWorkloadFile, type Workload } from "./document.js";
import { suggest } from "./mistake.js";
import { SHIPPED_FOLDER, shippedWorkloads } from "./shipped-names.js";

/** A shipped workload by its name, or a file. Throws UserError where there is neither. */
export function findWorkload(nameOrPath: string): Workload {
  if (shippedWorkloads().includes(nameOrPath))
    return readWorkloadFile(join(SHIPPED_FOLDER, `${nameOrPath}.yaml`));
  if (/\.ya?ml$/i.test(nameOrPath) || existsSync(nameOrPath)) return readWorkloadFile(nameOrPath);
  throw new UserError("unknown-workload", `there is no workload "${nameOrPath}"`, {
    remedy: `${suggest(nameOrPath, shippedWorkloads())} A file of your own ends in .yaml.`,
  });
}

/** A shipped workload compiled: a trace that is always at hand. */
export function shippedProgram(name: string, overrides: WorkloadOverrides = {}): string {
  return compileWorkload(findWorkload(name), overrides);
}
