import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { command } from "../../src/commands/generate.js";
import { runTrace } from "../../src/trace/source.js";
import { workloadJsonSchema } from "../../src/workload/json-schema.js";
import { shippedWorkloads } from "../../src/workload/shipped-names.js";
import { play } from "./world.js";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "generate-test-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("generate", () => {
  it("prints the JSON schema of workload files", async () => {
    const { stdout } = await play(command, ["--schema"]);
    expect(JSON.parse(stdout.toString())).toEqual(workloadJsonSchema());
  });

  it("lists what is shipped", async () => {
    const text = (await play(command, ["--list"])).stdout.toString();
    for (const name of shippedWorkloads()) expect(text).toMatch(new RegExp(`^${name} `, "m"));
    const { workloads } = JSON.parse((await play(command, ["--list", "--json"])).stdout.toString()) as {
      workloads: readonly { name: string; hash: string }[];
    };
    expect(workloads.map(({ name }) => name)).toEqual(shippedWorkloads());
    expect(workloads[0]?.hash).toMatch(/^[0-9a-f]{64}$/);
  });

  it("writes a packed trace, and says what of", async () => {
    const path = join(folder, "one.rmt.gz");
    const words = [
      "oltp-tpcc",
      "-o",
      path,
      "--events",
      "20k",
      "--seed",
      "3",
      "--threads",
      "2",
      "--live",
      "1MiB",
      "-q",
    ];
    const { stdout, stderr } = await play(command, words);
    expect(stripVTControlCharacters(stdout.toString())).toMatch(
      /one\.rmt\.gz: 20,\d{3} events of oltp-tpcc, .*\nseed 3, workload hash [0-9a-f]{16}: /,
    );
    expect(stderr).toBe("");
    const { header, analysis } = await runTrace(path, { kind: "inspect" });
    expect(header).toMatchObject({ workload: "oltp-tpcc", seed: "3", threads: "2", liveBytes: "1048576" });
    expect(analysis?.threads).toHaveLength(2);
    await expect(play(command, words)).rejects.toThrow(/exists already/);
    await play(command, [...words, "--force"]);
  });

  it("takes a file, and prints JSON and nothing else", async () => {
    const file = join(folder, "mine.yaml");
    writeFileSync(
      file,
      "workload: mine\nthreads: 1\nevents: 500\nkinds: { a: { size: 8 } }\ntransactions: { t: { weight: 1, steps: [{ alloc: a }] } }\n",
    );
    const path = join(folder, "mine.csv");
    const { stdout } = await play(command, [file, "-o", path, "--json", "-q"]);
    const made = JSON.parse(stdout.toString()) as {
      events: number;
      to: object;
      workload: string;
      seed: number;
    };
    expect(made).toMatchObject({ schemaVersion: 1, workload: "mine", seed: 1, to: { path, format: "csv" } });
    expect(readFileSync(path, "utf8").trimEnd().split("\n")).toHaveLength(made.events + 1);
  });

  it("fits a workload to a trace, from which the next is made", async () => {
    const trace = join(folder, "orig.rmt");
    const like = join(folder, "like.yaml");
    const again = join(folder, "again.rmt");
    await play(command, ["savepoint-storm", "-o", trace, "--events", "20k", "-q"]);
    await play(command, ["--from", trace, "-o", like, "-q"]);
    await play(command, [like, "-o", again, "--events", "5k", "-q"]);
    const { header } = await runTrace(again, { kind: "inspect" });
    expect(header.workload).toBe("fitted");
    await expect(play(command, ["--from", trace, "-o", join(folder, "x.rmt"), "-q"])).rejects.toThrow(
      /makes a workload file/,
    );
  });

  it.each([
    [[], /which workload/],
    [["oltp-tcpp"], /no workload "oltp-tcpp"/],
    [["none.yaml"], /no such workload file/],
    [["oltp-tpcc", "--events", "0"], /not a number of events/],
    [["oltp-tpcc", "--events", "many"], /not a number of events/],
    [["oltp-tpcc", "-o", "x.txt"], /does not say what to write/],
    [["oltp-tpcc", "--threads", "0", "-o", "x.rmt"], /needs a thread at least/],
    [["oltp-tpcc", "-o", "-", "--json"], /can't take both/],
    [["oltp-tpcc", "--from", "x.rmt"], /takes no workload/],
  ])("refuses %j", async (words, message) => {
    await expect(play(command, words)).rejects.toThrow(message);
    expect(existsSync("x.rmt")).toBe(false);
  });

  it("leaves nothing behind when it is interrupted", async () => {
    const path = join(folder, "cut.rmt");
    await expect(play(command, ["oltp-tpcc", "-o", path, "-q"], AbortSignal.abort())).rejects.toThrow(
      /interrupted/,
    );
    expect(existsSync(path)).toBe(false);
  });
});
