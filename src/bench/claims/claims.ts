import { Interrupted, ReplayError } from "../../errors.js";
import type { Claim } from "../../measure/measurement-bench.js";
import type { ProgressView } from "../../measure/measurement-progress.js";
import { arenaClaims, footprintClaims, largeClaims, slabClaims } from "./allocator-claims.js";
import { type ClaimSpec, type Finding, judge, type NotMeasured } from "./claim.js";
import { forecasterClaims, stabilityClaims } from "./forecaster-claims.js";
import { Lab, type LabOptions } from "./lab.js";
import { cacheClaims, latencyClaims, longRunClaims, machineClaims, testClaims } from "./other-claims.js";

/** In the order of the table that they come from. */
export const CLAIMS: readonly ClaimSpec[] = [
  ...slabClaims,
  ...cacheClaims,
  ...machineClaims,
  ...forecasterClaims,
  ...arenaClaims,
  ...largeClaims,
  ...footprintClaims,
  ...latencyClaims,
  ...longRunClaims,
  ...stabilityClaims,
  ...testClaims,
];

/** A subject that fails to do what a claim needs is told of there; the others are measured all the same. */
async function measured(spec: ClaimSpec, lab: Lab): Promise<Finding | NotMeasured> {
  try {
    return await spec.measure(lab);
  } catch (error) {
    if (error instanceof ReplayError && error.code !== "killed") return { why: error.message };
    throw error;
  }
}

/** Measures claims, one after the other; when the signal was raised, those that were done. */
export async function measureClaims(
  claims: readonly ClaimSpec[],
  options: LabOptions,
  view: ProgressView,
  signal: AbortSignal,
): Promise<Claim[]> {
  const done: Claim[] = [];
  let current = 0;
  const placed: ProgressView = {
    show: (progress) =>
      view.show({
        ...progress,
        suite: { name: "claims", case: current, cases: claims.length, suite: 1, suites: 1 },
      }),
  };
  const lab = new Lab(options, placed, signal);
  try {
    for (const spec of claims) {
      if (signal.aborted) break;
      current += 1;
      lab.begin(`claims/${spec.area}: ${spec.claim}`);
      done.push(judge(spec, await measured(spec, lab)));
    }
    return done;
  } catch (error) {
    if (error instanceof Interrupted || signal.aborted) return done;
    throw error;
  } finally {
    lab.dispose();
  }
}
