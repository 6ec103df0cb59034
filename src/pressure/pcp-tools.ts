import { spawn } from "node:child_process";
import { Interrupted, UserError } from "../errors.js";

// The end of what a tool complained of is what matters.
const MAX_COMPLAINT = 4000;

export interface PcpRun {
  /** The exit code; what was said on stderr, or the end of it. */
  readonly code: number;
  readonly complaint: string;
}

/**
 * Runs a tool of Performance Co-Pilot and hands its output on, piece by piece. Throws UserError `pcp-missing` where it is not
 * installed, Interrupted when the signal came.
 */
export async function runPcp(
  tool: "pmdumplog" | "pminfo",
  args: readonly string[],
  take: (bytes: AsyncIterable<Uint8Array>) => Promise<void>,
  signal?: AbortSignal,
): Promise<PcpRun> {
  const child = spawn(tool, args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, LC_ALL: "C" },
    ...(signal && { signal }),
  });
  let complaint = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaint = (complaint + text).slice(-MAX_COMPLAINT);
  });
  const ended = new Promise<number>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve(code ?? -1));
  });
  ended.catch(() => undefined); // it is awaited below, unless `take` throws first
  try {
    await take(child.stdout);
    return { code: await ended, complaint: complaint.trim() };
  } catch (error) {
    child.kill();
    if (signal?.aborted) throw new Interrupted();
    if ((error as NodeJS.ErrnoException).code === "ENOENT") throw missing(tool, error);
    throw error;
  }
}

function missing(tool: string, cause: unknown): UserError {
  return new UserError(
    "pcp-missing",
    `an archive of Performance Co-Pilot is read by ${tool}, which is not installed`,
    {
      remedy: "On Debian it is in the package pcp: apt-get install pcp",
      cause,
    },
  );
}
