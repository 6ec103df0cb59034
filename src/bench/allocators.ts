import { writeFileSync } from "node:fs";
import {
  type Allocator,
  type AllocatorChoice,
  chooseAllocators,
  findPeers,
  missingPeer,
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
  const absent = peers.filter(({ path }) => path === undefined);
  const allocators: Allocator[] = [];
  for (const spec of suite.allocators) {
    if (absent.some(({ name }) => name === spec)) continue;
    const fit = FITS.find((each) => spec === `rustydb[fit=${each}]`);
    const chosen = chooseAllocators([fit === undefined ? spec : withFit(fit, workspace)], peers).allocators;
    allocators.push(...chosen.map((each) => ({ ...each, name: spec })));
  }
  const warnings = absent.filter(({ name }) => suite.allocators.includes(name)).flatMap(missingPeer);
  return { allocators, warnings };
}

function withFit(fit: string, workspace: Workspace): string {
  const path = workspace.newFile("toml");
  writeFileSync(path, `[pages]\nfit = "${fit}"\n`);
  return `rustydb[config=${path}]`;
}
