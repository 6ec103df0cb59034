import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, it } from "vitest";
import { root } from "./tool.js";

it("mtrace, heaptrack and our recorder see the same calls of the same program", () => {
  const args = [join(root, "scripts/compare-recorders.mjs"), "--quick", "--rounds", "2000", "--threads", "4"];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  expect(stderr).toBe("");
  // With what is not installed here, and was left out.
  for (const skipped of stdout.match(/.*: skipped,.*/g) ?? []) process.stderr.write(`${skipped}\n`);
  expect(stdout).toMatch(/^1 thread: rustydb-mem: 2000 born, 2000 died/m);
  expect(stdout).toMatch(/^4 threads: rustydb-mem: 8000 born, 8000 died/m);
  expect(stdout).not.toMatch(/differs/);
  expect(status).toBe(0);
}, 60_000);
