/**
 * The floors of ARCHITECTURE.md: who may use whom. Both tables name every unit of the tree; what a unit may use is
 * its own files and the units listed behind it.
 */

/** Folders of native/. */
export const nativeFloors: Readonly<Record<string, readonly string[]>> = {
  base: [],
  os: ["base"],
  alloc: ["base", "os"],
  trace: ["base"],
  pressure: ["base"],
  replay: ["base", "os", "alloc", "trace", "pressure"],
  recording: ["base", "trace"],
  interpose: ["base", "os", "alloc", "trace", "recording"],
  collector: ["base", "os", "trace", "recording"],
  replayer: ["base", "os", "alloc", "trace", "pressure", "replay"],
  api: ["base", "os", "alloc", "pressure", "include"],
  binding: ["base", "os", "alloc", "trace", "pressure", "replay"],
  include: [],
};

const ground = ["errors", "units", "native"];
const results = [...ground, "trace", "workload", "statistics", "measurement"];
const machinery = [...results, "engine", "pressure"];
const judges = [...machinery, "schedule"];

/** Folders and top files of src/. `measurement` is measure/measurement.ts, `schedule` the rest of measure/. */
export const sourceFloors: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  units: ["errors"],
  native: ["errors", "units"],
  trace: ground,
  workload: ground,
  statistics: ground,
  measurement: ground,
  engine: results,
  pressure: results,
  schedule: machinery,
  bench: judges,
  gate: judges,
  tune: judges,
  // Reports and the live view are given results; neither can start a measurement.
  report: [...results, "pressure", "gate", "tune"],
  tui: [...results, "pressure", "gate", "tune"],
  commands: [...judges, "bench", "gate", "tune", "report", "tui"],
  run: [...judges, "bench", "gate", "tune", "report", "tui", "commands"],
};

/** The unit that a file of src/ belongs to: `measure/measurement.ts` → measurement, `trace/event.ts` → trace. */
export function sourceUnit(path: string): string {
  const [first = "", second] = path.split("/");
  if (second === undefined) return first.replace(/\.tsx?$/, "");
  if (first === "measure") return second.startsWith("measurement") ? "measurement" : "schedule";
  return first;
}
