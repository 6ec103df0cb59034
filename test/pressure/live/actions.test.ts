import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { type ActionReport, ActionRunner, actionEnvironment } from "../../../src/pressure/live/actions.js";
import { root } from "../../cli/tool.js";
import { stateAt } from "./state.js";

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "actions-"));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

function runner(command: string, more: { dryRun?: boolean; timeoutMs?: number } = {}) {
  const reports: ActionReport[] = [];
  const source = { name: "process 42 (redis)", pid: 42 };
  const options = { command, dryRun: false, timeoutMs: 10_000, ...more };
  return { reports, actions: new ActionRunner(options, source, (report) => reports.push(report)) };
}

describe("the program of an action", () => {
  it("runs at each change of the action, back to none too, and not in between", async () => {
    const out = join(folder(), "out");
    const { actions, reports } = runner(
      `echo $RUSTYDB_MEM_PREVIOUS_ACTION $RUSTYDB_MEM_ACTION $RUSTYDB_MEM_LEVEL >> ${out}`,
    );
    for (const level of [0, 0, 2, 2, 3, 3, 0, 0]) {
      actions.observe(stateAt(level));
      await actions.settled();
    }
    expect(readFileSync(out, "utf8").trim().split("\n")).toEqual([
      "none gentle-eviction high",
      "gentle-eviction aggressive-eviction critical",
      "aggressive-eviction none normal",
    ]);
    expect(reports.map(({ outcome }) => outcome)).toEqual(["done", "done", "done"]);
  });

  it("is told what was seen", async () => {
    const out = join(folder(), "out");
    const { actions } = runner(`env | grep ^RUSTYDB_MEM_ > ${out}`);
    actions.observe(stateAt(2));
    await actions.settled();
    const said = new Map(
      readFileSync(out, "utf8")
        .trim()
        .split("\n")
        .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
    );
    expect(Object.fromEntries(said)).toMatchObject({
      RUSTYDB_MEM_ACTION: "gentle-eviction",
      RUSTYDB_MEM_LEVEL: "high",
      RUSTYDB_MEM_REASON: "usage",
      RUSTYDB_MEM_USED: "7000000000",
      RUSTYDB_MEM_LIMIT: "8000000000",
      RUSTYDB_MEM_FORECAST_60S: "7060000000",
      RUSTYDB_MEM_TIME_TO_CRITICAL: "250",
      RUSTYDB_MEM_SOURCE: "process 42 (redis)",
      RUSTYDB_MEM_PID: "42",
      RUSTYDB_MEM_CGROUP: "",
    });
  });

  it("finds the variables that the documentation names", () => {
    const manual = readFileSync(join(root, "docs/watch.md"), "utf8");
    const named = [...manual.matchAll(/^\| `(RUSTYDB_MEM_\w+)`/gm)].map(([, name]) => name);
    const told = actionEnvironment(stateAt(1), "none", { name: "it" });
    expect(named.sort()).toEqual(Object.keys(told).sort());
  });

  it("never runs twice at once for one action; another one does not wait", async () => {
    const out = join(folder(), "out");
    const { actions, reports } = runner(
      `echo $RUSTYDB_MEM_ACTION >> ${out}; test $RUSTYDB_MEM_ACTION != monitor || sleep 0.5`,
    );
    for (const level of [1, 4, 1]) actions.observe(stateAt(level));
    expect(reports).toEqual([
      {
        action: "monitor",
        outcome: "skipped",
        text: "not run again for monitor: its program is still at work",
      },
    ]);
    await actions.settled();
    expect(readFileSync(out, "utf8").trim().split("\n").sort()).toEqual(["emergency-cleanup", "monitor"]);
  });

  it.each([
    ["echo it broke >&2; exit 3", /ended with 3: it broke$/],
    ["kill -9 $$", /was killed by SIGKILL/],
    ["no-such-program-anywhere", /ended with 127: .*not found/],
  ])("that fails is reported: %s", async (command, complaint) => {
    const { actions, reports } = runner(command);
    actions.observe(stateAt(1));
    await actions.settled();
    expect(reports).toHaveLength(1);
    expect(reports[0]).toMatchObject({ outcome: "failed" });
    expect(reports[0]?.text).toMatch(complaint);
  });

  it("that hangs is stopped, with its children", async () => {
    const { actions, reports } = runner("sleep 30 & wait", { timeoutMs: 200 });
    const sinceMs = performance.now();
    actions.observe(stateAt(1));
    await actions.settled();
    expect(performance.now() - sinceMs).toBeLessThan(3000);
    expect(reports[0]?.text).toBe("the program for monitor took longer than 0.2 s and was stopped");
  });

  it("is only named in a dry run", async () => {
    const out = join(folder(), "out");
    const { actions, reports } = runner(`touch ${out}`, { dryRun: true });
    actions.observe(stateAt(1));
    await actions.settled();
    expect(reports).toEqual([
      { action: "monitor", outcome: "dry-run", text: `would run for monitor: touch ${out}` },
    ]);
    expect(() => readFileSync(out)).toThrow();
  });
});
