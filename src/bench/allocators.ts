import { writeFileSync } from "node:fs";
import {
  type Allocator,
  type AllocatorChoice,
  chooseAllocators,
  findPeers,
  NONE,
} from "../engine/allocators.js";
import type { Workspace } from "../engine/workspace.js";
import { type BenchSuite, FITS } from "./suites.js";

/** The allocators of a suite: what the user named, or its own, peers that are not installed left out. */
export function allocatorsOf(
  suite: BenchSuite,
  named: readonly string[] | undefined,
  workspace: Workspace,
  peers = findPeers(),
): AllocatorChoice {
  if (named !== undefined) return chooseAllocators(named, peers);
  const missing = peers.filter(({ path }) => path === undefined);
  const allocators: Allocator[] = [];
  for (const spec of suite.allocators) {
    if (missing.some(({ name }) => name === spec)) continue;
    const fit = FITS.find((each) => spec === `rustydb[fit=${each}]`);
    const chosen = chooseAllocators([fit === undefined ? spec : withFit(fit, workspace)], peers).allocators;
    allocators.push(...chosen.map((each) => ({ ...each, name: spec })));
  }
  const warnings = missing
    .filter(({ name }) => suite.allocators.includes(name))
    .map(({ name, package: from }) => `${name} is not installed and was left out (apt-get install ${from}).`);
  return { allocators, warnings };
}

function withFit(fit: string, workspace: Workspace): string {
  const path = workspace.newFile("toml");
  writeFileSync(path, `[pages]\nfit = "${fit}"\n`);
  return `rustydb[config=${path}]`;
}

/** The one that the others are compared with: the named one, else malloc, else the first. */
export function baselineOf(allocators: readonly Allocator[], named: string | undefined): Allocator {
  const found = allocators.find(({ name }) => name === (named ?? "malloc"));
  if (found !== undefined) return found;
  if (named !== undefined) return chooseAllocators([named]).allocators[0] ?? NONE;
  return allocators[0] ?? NONE;
}
