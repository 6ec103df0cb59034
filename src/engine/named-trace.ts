import { existsSync } from "node:fs";
import { basename } from "node:path";
import { TraceError } from "../errors.js";
import type { TraceSource } from "../trace/source.js";

const SEED = 1;

/**
 * What a command that reads traces was given: the path of a trace, `-`, or a workload, shipped or a file .yaml, whose trace is
 * made while it is read. A file goes before a shipped workload of the same name.
 * @param isTrace it is a trace whatever its name says (of --format)
 * @throws WorkloadError for what is wrong with the workload; TraceError `file-not-found` for a bare word that names nothing
 */
export async function namedTrace(name: string, isTrace = false): Promise<TraceSource> {
  if (isTrace || name === "-") return name;
  const isWorkloadFile = /\.ya?ml$/i.test(name);
  if (!isWorkloadFile && (existsSync(name) || !/^[\w-]+$/.test(name))) return name;
  // Only here, so that who reads a trace does not wait for the parser of YAML.
  const { shippedWorkloads } = await import("../workload/shipped-names.js");
  const { findWorkload } = await import("../workload/shipped.js");
  if (!isWorkloadFile && !shippedWorkloads().includes(name)) throw await unknown(name, shippedWorkloads());
  const { compileWorkload } = await import("../workload/compile.js");
  const workload = findWorkload(name);
  return {
    program: compileWorkload(workload, { seed: SEED }),
    events: workload.spec.events,
    origin: {
      path: name,
      name: basename(name),
      format: "workload",
      workload: workload.spec.workload,
      hash: workload.hash,
      seed: SEED,
    },
  };
}

async function unknown(name: string, workloads: readonly string[]): Promise<TraceError> {
  const { suggest } = await import("../workload/mistake.js");
  return new TraceError(
    "file-not-found",
    "there is no such file, and no workload of this name",
    { file: name },
    { remedy: suggest(name, workloads) },
  );
}
