/**
 * Runs the steps of a script one after the other, each under a heading and with its time. Builtins only: the scripts
 * that use it run on a fresh clone, before anything is installed.
 */
import { spawn } from "node:child_process";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** A step that did not succeed; `output` is what the failing program printed, when it was held back. */
export class StepError extends Error {
  constructor(message, output = "") {
    super(message);
    this.name = "StepError";
    this.output = output;
  }
}

const seconds = (sinceMs) => `${((Date.now() - sinceMs) / 1000).toFixed(1)} s`;

/** Runs `work` under `title`, prints how long it took, and gives back what it returned. */
export async function step(title, work) {
  const sinceMs = Date.now();
  process.stdout.write(`▸ ${title}\n`);
  const result = await work();
  const note = typeof result === "string" ? ` — ${result}` : "";
  process.stdout.write(`  done in ${seconds(sinceMs)}${note}\n`);
  return result;
}

/**
 * Runs a program without a standard input. By default its output is held back, returned, and shown only when it
 * fails; `show: true` passes it through. Rejects with a StepError unless it exits with 0.
 */
export function execute(command, args, { show = false, env = {}, cwd = root } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ["ignore", show ? "inherit" : "pipe", show ? "inherit" : "pipe"],
    });
    const chunks = [];
    child.stdout?.on("data", (chunk) => chunks.push(chunk));
    child.stderr?.on("data", (chunk) => chunks.push(chunk));
    child.on("error", (error) => {
      const why = error.code === "ENOENT" ? `${command} is not installed` : error.message;
      reject(new StepError(`could not run ${command}: ${why}`));
    });
    child.on("close", (code, signal) => {
      const output = Buffer.concat(chunks).toString("utf8");
      if (code === 0) resolve(output);
      else
        reject(
          new StepError(`${command} ${args.join(" ")} ended with ${signal ?? `exit code ${code}`}`, output),
        );
    });
  });
}

/** Runs `work` over `items`, at most `width` at a time; every failure is collected into one StepError. */
export async function inParallel(items, width, work) {
  const failures = [];
  const queue = [...items];
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) {
      try {
        await work(item);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  if (failures.length > 0) {
    throw new StepError(
      failures.map((error) => error.message).join("\n"),
      failures.map((error) => error.output ?? error.stack).join("\n"),
    );
  }
}

/** Runs `main` as the body of a script: prints what failed in words, and sets the exit code. */
export async function runScript(main) {
  try {
    await main();
  } catch (error) {
    if (!(error instanceof StepError)) throw error;
    process.stderr.write(`${error.output === "" ? "" : `${error.output}\n`}FAILED: ${error.message}\n`);
    process.exitCode = 1;
  }
}
