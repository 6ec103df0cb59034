/**
 * npm start: makes a fresh clone ready, then replays the two shipped traces through our allocators, malloc and the
 * installed peers, and prints the report. Further arguments replace those of the replay:
 * npm start -- replay my.rmt -a rustydb,malloc
 */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { prepare } from "./setup.mjs";
import { root, runScript, StepError } from "./steps.mjs";

const shipped = [
  "replay",
  join("workloads", "recorded", "sqlite-tpcc.rmt.gz"),
  join("workloads", "generated", "oltp-tpcc.rmt.gz"),
  // Every allocator, with as many rounds as leave the whole of it under three minutes on two cores.
  ...["--allocators", "all", "--rounds", "5", "--warmup", "1"],
];

/** Runs the tool with the terminal as it is, so that its live view and Ctrl-C work. */
function runTool(args) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join("bin", "rustydb-mem.js"), ...args], {
      cwd: root,
      stdio: "inherit",
    });
    const leaveItToTheTool = () => undefined;
    process.on("SIGINT", leaveItToTheTool);
    child.on("error", reject);
    child.on("close", (code, signal) => {
      process.off("SIGINT", leaveItToTheTool);
      if (signal) reject(new StepError(`rustydb-mem was ended by ${signal}`));
      else resolve(code);
    });
  });
}

await runScript(async () => {
  await prepare("run");
  const given = process.argv.slice(2);
  const args = given.length > 0 ? given : shipped;
  process.stdout.write(`▸ rustydb-mem ${args.join(" ")}\n`);
  process.exitCode = await runTool(args);
});
