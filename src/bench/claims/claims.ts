import { Interrupted, ReplayError } from "../../errors.js";
import type { Claim } from "../../measure/measurement-bench.js";
import type { ProgressView } from "../../measure/measurement-progress.js";
import { arenaClaims, footprintClaims, largeClaims, slabClaims } from "./allocator-claims.js";
import { type ClaimSpec, claimName, type Finding, judge, type NotMeasured } from "./claim.js";
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

/** What the command line calls them, in the same order. */
export const CLAIM_NAMES: readonly string[] = CLAIMS.map(claimName);

export interface ClaimsResult {
  readonly claims: readonly Claim[];
  /** Why it ended before all were measured. */
  readonly stopped: Interrupted | ReplayError | undefined;
}

/** A subject that fails to do what a claim needs is told of there; the others are measured all the same. */
async function measured(spec: ClaimSpec, lab: Lab): Promise<Finding | NotMeasured> {
  try {
    return await spec.measure(lab);
  } catch (error) {
    if (error instanceof ReplayError && error.code !== "killed") return { why: error.message };
    throw error;
  }
}

/**
 * Measures the claims of these names, one after the other. When the signal was raised, or a replay process was killed, those that were
 * done come back with the reason. Throws what is wrong with the subject, before anything is measured.
 */
export async function measureClaims(
  names: readonly string[],
  options: LabOptions,
  view: ProgressView,
  signal: AbortSignal,
): Promise<ClaimsResult> {
  const specs = CLAIMS.filter((spec) => names.includes(claimName(spec)));
  const done: Claim[] = [];
  let current = 0;
  const placed: ProgressView = {
    show: (progress) =>
      view.show({
        ...progress,
        suite: { name: "claims", case: current, cases: specs.length, suite: 1, suites: 1 },
      }),
  };
  const lab = new Lab(options, placed, signal);
  try {
    for (const spec of specs) {
      if (signal.aborted) break;
      current += 1;
      lab.begin(`claims/${spec.area}: ${spec.claim}`);
      done.push(judge(spec, await measured(spec, lab)));
    }
    return { claims: done, stopped: signal.aborted ? new Interrupted() : undefined };
  } catch (error) {
    // What is cut off by the signal may fail in words of its own.
    if (signal.aborted) return { claims: done, stopped: new Interrupted() };
    if (error instanceof ReplayError) return { claims: done, stopped: error };
    throw error;
  } finally {
    lab.dispose();
  }
}
