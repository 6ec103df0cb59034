import { describe, expect, it } from "vitest";
import { writeSmallTrace } from "./small-trace.js";
import { eventually, replaysIn, Scratch, startTool } from "./tool.js";

/** A replay that would take minutes, and one of its replay processes. */
async function longReplay(scratch: Scratch) {
  const trace = scratch.file("long.csv");
  writeSmallTrace(trace, 3000);
  const running = startTool(["replay", trace, "-a", "malloc,rustydb", "-r", "5000"], { scratch });
  const replay = await eventually(() => replaysIn(scratch)[0], 15_000, "a replay process");
  return { ...running, replay };
}

describe("a replay that is interrupted", () => {
  it.each(["SIGINT", "SIGTERM"] as const)("by %s ends with 130 and leaves nothing", async (signal) => {
    const scratch = new Scratch();
    const { child, outcome } = await longReplay(scratch);
    const sentMs = performance.now();
    child.kill(signal);
    const { code, stderr } = await outcome;
    expect(code).toBe(130);
    expect(performance.now() - sentMs).toBeLessThan(3000);
    expect(stderr).not.toMatch(/ {4}at /);
    expect(replaysIn(scratch)).toEqual([]);
    expect(scratch.leftBehind()).toEqual([]);
  });

  it("after some rounds reports them as partial", async () => {
    const scratch = new Scratch();
    const { child, outcome } = await longReplay(scratch);
    await new Promise((resolve) => setTimeout(resolve, 4000));
    child.kill("SIGINT");
    const { code, stdout } = await outcome;
    expect(code).toBe(130);
    expect(stdout).toMatch(/partial/i);
    expect(stdout).toMatch(/rustydb/);
  });

  it("with its own process killed takes the replay process with it", async () => {
    const scratch = new Scratch();
    const { child, outcome } = await longReplay(scratch);
    child.kill("SIGKILL");
    await outcome;
    await eventually(() => replaysIn(scratch).length === 0, 3000, "the end of the replay process");
  });
});

describe("a replay process that is killed", () => {
  it("in the middle is named in the error, and nothing is left", async () => {
    const scratch = new Scratch();
    const { outcome, replay } = await longReplay(scratch);
    let pid: number | undefined = replay;
    // Which may just have ended by itself.
    while (pid !== undefined) {
      try {
        process.kill(pid, "SIGKILL");
        break;
      } catch {
        pid = await eventually(() => replaysIn(scratch)[0], 5000, "the next replay process");
      }
    }
    const { code, stderr } = await outcome;
    expect(code).toBe(1);
    expect(stderr).toMatch(/(malloc|rustydb|none).*killed/);
    expect(stderr).not.toMatch(/ {4}at /);
    expect(replaysIn(scratch)).toEqual([]);
    expect(scratch.leftBehind()).toEqual([]);
  });
});
