import { basename } from "node:path";
import { isDifference } from "../statistics/comparison.js";
import { compareResults, sameTrace } from "./compare-results.js";
import type { ResultFile } from "./measurement.js";
import type { ResultChange, SideBySide, SideBySideFigure, SideBySideRow } from "./measurement-change.js";
import { differencesBetween } from "./result-differences.js";

export interface NamedResult {
  readonly path: string;
  readonly result: ResultFile;
}

/** The name of a file without its folders and `.json`; the whole path where two would be the same. */
function labelsOf(paths: readonly string[]): string[] {
  const short = paths.map((path) =>
    path === "-" ? "standard input" : basename(path).replace(/\.json$/i, ""),
  );
  return short.map((label, index) => {
    if (short.indexOf(label) === short.lastIndexOf(label)) return label;
    const path = paths[index] ?? label;
    const before = paths.slice(0, index).filter((each) => each === path).length;
    return before === 0 ? path : `${path} (${before + 1})`;
  });
}

function figureOf(file: ResultFile, trace: string, allocator: string): SideBySideFigure | null {
  const result = file.results.find((each) => each.trace === trace && each.allocator === allocator);
  if (result === undefined) return null;
  const warm = file.comparisons.filter(
    (each) => each.trace === trace && each.allocator === allocator && each.metric === "warm",
  );
  const best = warm.find(({ net }) => net) ?? warm[0];
  return {
    ...(best && {
      ratio: best.ratio,
      different: isDifference(best.ratio, file.harness.noiseFloor?.[trace]),
      net: best.net,
    }),
    isBaseline: allocator === file.options.baseline,
    netNsPerEvent: result.warm?.netNsPerEvent ?? null,
    peakBytes: result.memory?.peakBytes ?? null,
    failure: result.failure?.code ?? null,
  };
}

/** Every trace and allocator of any file, those of the reference first, in its order. */
function rowsOf(
  files: readonly ResultFile[],
  reference: number,
): { trace: string; allocator: string; names: (string | undefined)[] }[] {
  const order = [reference, ...files.keys()].flatMap((index) => files[index] ?? []);
  const rows = new Map<string, { trace: string; allocator: string; names: (string | undefined)[] }>();
  for (const file of order) {
    for (const { trace: name, allocator } of file.results) {
      const trace = file.traces.find((each) => each.name === name);
      if (trace === undefined) continue;
      const names = files.map((each) => sameTrace(trace, each)?.name);
      const known = [...rows.values()].some(
        (row) => row.allocator === allocator && row.names[files.indexOf(file)] === name,
      );
      if (!known) rows.set(JSON.stringify([name, allocator]), { trace: name, allocator, names });
    }
  }
  return [...rows.values()];
}

/**
 * Result files beside each other, and how each differs from the reference.
 * @param reference index of the file that the others are compared with
 */
export function sideBySide(named: readonly NamedResult[], reference: number): SideBySide {
  const files = named.map(({ result }) => result);
  const labels = labelsOf(named.map(({ path }) => path));
  const base = files[reference];
  if (base === undefined) throw new RangeError(`there is no file ${reference}`);
  const changes = files.map((file, index) => (index === reference ? [] : compareResults(base, file)));
  const rows = rowsOf(files, reference).map(({ trace, allocator, names }): SideBySideRow => {
    const changed = (metric: "warm" | "peak"): (ResultChange | null)[] =>
      changes.map(
        (ofFile, index) =>
          ofFile.find(
            (each) => each.trace === names[index] && each.allocator === allocator && each.metric === metric,
          ) ?? null,
      );
    return {
      trace,
      allocator,
      figures: files.map((file, index) => {
        const name = names[index];
        return name === undefined ? null : figureOf(file, name, allocator);
      }),
      timeChanges: changed("warm"),
      peakChanges: changed("peak"),
    };
  });
  return {
    files: named.map(({ path, result }, index) => ({
      label: labels[index] ?? path,
      path,
      date: result.date,
      toolVersion: result.tool.version,
      baseline: result.options.baseline,
      partial: result.partial,
    })),
    reference,
    rows: rows.filter(({ allocator }) => allocator !== "none"),
    warnings: files.flatMap((file, index) =>
      index === reference
        ? []
        : differencesBetween(
            { label: labels[reference] ?? "", result: base },
            { label: labels[index] ?? "", result: file },
          ),
    ),
  };
}
