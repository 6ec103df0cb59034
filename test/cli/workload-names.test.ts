import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Inspection } from "../../src/trace/event.js";
import { runTool, Scratch } from "./tool.js";

const SMALL = `
workload: small
threads: 2
events: 3000
kinds: { row: { size: 100 } }
transactions:
  put: { weight: 1, steps: [{ alloc: row, count: 3 }] }
`;

async function inOrder(scratch: Scratch, ...runs: readonly (readonly string[])[]): Promise<string[]> {
  const outputs: string[] = [];
  for (const words of runs) {
    const { code, stdout, stderr } = await runTool(words, { scratch, cwd: scratch.path });
    expect(stderr).not.toMatch(/^error/im);
    expect(code).toBe(0);
    outputs.push(stdout);
  }
  return outputs;
}

describe("a workload in the place of a trace", () => {
  it("shipped is inspected as what generate makes of it", async () => {
    const scratch = new Scratch();
    const [, direct = "", stored = "", text] = await inOrder(
      scratch,
      ["generate", "spike", "-o", "spike.rmt.gz"],
      ["inspect", "spike", "--json"],
      ["inspect", "spike.rmt.gz", "--json"],
      ["inspect", "spike"],
    );
    const made = JSON.parse(direct) as Inspection;
    expect(made.analysis).toEqual((JSON.parse(stored) as Inspection).analysis);
    expect(made.file).toMatchObject({ path: "spike", format: "workload", workload: "spike", seed: 1 });
    expect(text).toMatch(/made on the fly by the workload spike, seed 1/);
  });

  it("written as a file is converted, compared and replayed like its trace", async () => {
    const scratch = new Scratch();
    writeFileSync(scratch.file("small.yaml"), SMALL);
    const [, converted, , difference = "", replayed] = await inOrder(
      scratch,
      ["generate", "small.yaml", "-o", "made.csv"],
      ["convert", "small.yaml", "converted.csv"],
      ["convert", "small.yaml", "head.csv", "--head", "50"],
      ["diff", "small.yaml", "made.csv", "--json", "--threshold", "0%"],
      ["replay", "small.yaml", "-a", "malloc,rustydb", "-r", "2"],
    );
    expect(readFileSync(scratch.file("converted.csv"))).toEqual(readFileSync(scratch.file("made.csv")));
    expect(converted).toMatch(/of the workload small/);
    expect(readFileSync(scratch.file("head.csv"), "utf8").trimEnd().split("\n")).toHaveLength(51);
    expect(JSON.parse(difference)).toMatchObject({ all: { changed: false, blocks: { delta: 0 } } });
    expect(replayed).toMatch(/small\.yaml: 3,000 events, .*2 threads/);
  });

  it("gives way to a file of its name", async () => {
    const scratch = new Scratch();
    writeFileSync(scratch.file("spike"), "event,id,size\nalloc,1,10\n");
    const [text] = await inOrder(scratch, ["inspect", "spike"]);
    expect(text).toMatch(/^spike: 2 events/);
  });

  it("with a mistake in it is refused with the place", async () => {
    const scratch = new Scratch();
    writeFileSync(scratch.file("wrong.yaml"), SMALL.replace("alloc: row", "alloc: rwo"));
    const { code, stderr } = await runTool(["inspect", "wrong.yaml"], { scratch, cwd: scratch.path });
    expect(code).toBe(1);
    expect(stderr).toMatch(/wrong\.yaml.*\n?.*no kind "rwo"[\s\S]*: row/);
  });

  it("is searched for transactions, which reads it more than once", async () => {
    const scratch = new Scratch();
    writeFileSync(scratch.file("small.yaml"), SMALL);
    const [found = ""] = await inOrder(scratch, ["inspect", "small.yaml", "--find-transactions", "--json"]);
    const { search } = JSON.parse(found) as Inspection;
    expect(search?.threads).toHaveLength(2);
  });
});
