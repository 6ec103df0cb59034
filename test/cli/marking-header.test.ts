import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { compile, inspect, runRecorded, transactionEvents } from "./recorded-program.js";
import { Scratch } from "./tool.js";

describe("the marking header", () => {
  it("costs a program nothing to carry where there is no recorder", () => {
    const scratch = new Scratch();
    const program = compile(scratch.path, "marked_program.c", "program");
    for (const threads of ["0", "4"]) {
      expect(spawnSync(program, [threads]), threads).toMatchObject({ status: 0, signal: null });
    }
  });

  it("is C++ too", () => {
    const scratch = new Scratch();
    const program = compile(scratch.path, "marked_program.c", "program", [
      "-x",
      "c++",
      "-std=c++11",
      "-Werror",
      "-Wall",
    ]);
    expect(spawnSync(program, ["1"]).status).toBe(0);
  });

  it("tells the trace in which transaction a thread works", async () => {
    const scratch = new Scratch();
    const program = compile(scratch.path, "marked_program.c", "program");
    const { status, raw } = runRecorded(scratch, [program, "0"]);
    expect(status).toBe(0);
    const events = await transactionEvents(scratch, raw, [10007, 10009, 10037, 10039, 10061]);
    expect(events.slice(0, 11)).toEqual([
      "begin 1: new-order",
      "grab 1",
      "begin 2 in 1: line",
      "grab 2",
      "release 2",
      "begin 3 in 1: line",
      "abort 3",
      "grab -",
      "grab 1",
      "abort 1",
      "grab -",
    ]);
  });

  it.each([0, 4])("counts right with %i threads", async (threads) => {
    const scratch = new Scratch();
    const program = compile(scratch.path, "marked_program.c", "program");
    const { raw } = runRecorded(scratch, [program, String(threads)]);
    const analysis = await inspect(raw);
    const workers = Math.max(1, threads);
    expect(analysis.transactions).toMatchObject({
      begun: 10 * workers,
      savepoints: 20 * workers,
      commits: 8 * workers,
      releases: 10 * workers,
      aborts: 12 * workers,
      openAtEnd: 0,
    });
    expect(analysis.eventsByType.mark).toBe(2);
  });
});
