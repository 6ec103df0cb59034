import { PassThrough } from "node:stream";
import type { Command } from "commander";
import type { CommandContext } from "../../src/commands/context.js";

/** Runs a command as run.ts does, with streams that are kept. */
export async function play(
  make: (context: CommandContext) => Command,
  words: readonly string[],
  signal: AbortSignal = new AbortController().signal,
): Promise<{ stdout: Buffer; stderr: string }> {
  const kept: Record<"stdout" | "stderr", Buffer[]> = { stdout: [], stderr: [] };
  const stream = (name: "stdout" | "stderr"): NodeJS.WriteStream => {
    const through = new PassThrough();
    through.on("data", (chunk: Buffer) => kept[name].push(chunk));
    return through as unknown as NodeJS.WriteStream;
  };
  const command = make({
    signal,
    interrupt: () => undefined,
    setExitCode: () => undefined,
    stdin: process.stdin,
    stdout: stream("stdout"),
    stderr: stream("stderr"),
    words,
    version: "0.0.0",
    commands: [],
    interactive: false,
  });
  command.exitOverride().configureOutput({ writeErr: () => undefined });
  await command.parseAsync(words, { from: "user" });
  return { stdout: Buffer.concat(kept.stdout), stderr: Buffer.concat(kept.stderr).toString() };
}
