import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { root } from "./tool.js";

/** Starts a process that grows by `stepMib` every 50 ms up to `mostMib` above what it begins with; gone when the test is. */
export async function growing(
  stepMib: number,
  mostMib: number,
  seconds = 60,
): Promise<{ child: ChildProcess; pid: number }> {
  const words = [join(root, "test/fixtures/growing.mjs"), stepMib, mostMib, seconds].map(String);
  const child = spawn(process.execPath, words, { stdio: ["ignore", "pipe", "ignore"] });
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  await new Promise((resolve) => child.stdout.once("data", resolve));
  return { child, pid: child.pid ?? 0 };
}
