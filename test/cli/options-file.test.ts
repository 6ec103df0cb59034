import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "smol-toml";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { writeSmallTrace } from "./small-trace.js";
import { type Outcome, runTool, Scratch } from "./tool.js";

/** A folder that is the root of a repository, so that nothing above it counts. */
class Project extends Scratch {
  constructor(text: string | undefined) {
    super();
    mkdirSync(this.file(".git"));
    mkdirSync(this.file("below"));
    if (text !== undefined) writeFileSync(this.file("rustydb-mem.toml"), text);
  }

  run(args: readonly string[], env: Record<string, string> = {}): Promise<Outcome> {
    const own = { XDG_CONFIG_HOME: this.file("none"), ...env };
    return runTool(args, { scratch: this, cwd: this.file("below"), env: own });
  }

  async replayed(...args: string[]): Promise<{ rounds: number; verify: boolean; allocators: string[] }> {
    writeSmallTrace(this.file("t.csv"), 20);
    const { stdout, stderr } = await this.run(["replay", this.file("t.csv"), "--json", "-q", ...args]);
    if (stdout === "") throw new Error(stderr);
    return JSON.parse(stdout).options;
  }
}

const REPLAY = '[replay]\nrounds = 2\nallocators = ["malloc", "slab"]\nverify = false\nlatency = false\n';

describe("rustydb-mem.toml", () => {
  it("in a folder above gives defaults, and the command line beats it", async () => {
    const project = new Project(REPLAY);
    expect(await project.replayed()).toMatchObject({
      ...{ rounds: 2, verify: false, allocators: ["malloc", "slab"] },
    });
    // An option that may be repeated begins anew on the command line.
    expect(await project.replayed("-r", "3", "-a", "malloc")).toMatchObject({
      ...{ rounds: 3, verify: false, allocators: ["malloc"] },
    });
  });

  it("gives way to a file that is named, in front of the command or behind it", async () => {
    const project = new Project("[replay]\nrounds = 4\n");
    const other = project.file("other.toml");
    writeFileSync(other, REPLAY);
    expect((await project.replayed("--config", other)).rounds).toBe(2);
  });

  it("of the user counts where there is none of the project", async () => {
    const project = new Project(undefined);
    mkdirSync(join(project.file("own"), "rustydb-mem"), { recursive: true });
    writeFileSync(join(project.file("own"), "rustydb-mem/config.toml"), "[replay]\nroundz = 1\n");
    const { stderr } = await project.run(["config", "defaults"], { XDG_CONFIG_HOME: project.file("own") });
    expect(stderr).toContain("own/rustydb-mem/config.toml:2:1: replay.roundz: ");
  });

  it.each<[string, RegExp]>([
    [
      "[replay]\nround = 3\n",
      /toml:2:1: replay\.round: replay has no option --round\n {2}Did you mean "rounds"\?/,
    ],
    ["[repaly]\nrounds = 3\n", /toml:1:1: repaly: there is no command "repaly"\n {2}Did you mean "replay"\?/],
    ["[replay]\n\nrounds = 0\n", /toml:3:1: replay\.rounds: It takes a whole number from 1/],
    ['[replay]\ntouch = "pages"\n', /toml:2:1: replay\.touch: Allowed choices are first, page/],
    ['[replay]\nverify = "no"\n', /toml:2:1: replay\.verify: It takes true or false/],
    ["[replay]\nrounds = [1]\n", /toml:2:1: replay\.rounds: It takes a text or a number/],
    ["replay = 3\n", /toml:1:1: replay: it must be a table/],
    ["[replay\n", /toml:1:\d+: /],
  ])("that is wrong is told with file, line, key and remedy: %j", async (text, expected) => {
    const { code, stdout, stderr } = await new Project(text).run(["replay", "nothing.rmt"]);
    expect(stderr).toMatch(expected);
    expect(code).toBe(1);
    expect(stdout).toBe("");
  });

  it("gives watch its section", async () => {
    const project = new Project('[watch]\ninterval = "20ms"\non-action = "true"\ndry_run = true\n');
    const { code, stdout } = await project.run(["watch", "--for", "90ms", "--json"]);
    expect(code).toBe(0);
    expect(stdout.trim().split("\n").length).toBeGreaterThan(2);
    const wrong = await new Project("[watch]\non-actoin = 1\n").run(["watch", "--for", "90ms"]);
    expect(wrong.stderr).toMatch(/watch\.on_actoin: there is no such key/);
  });

  it("is told line by line by config defaults", async () => {
    const project = new Project(`${REPLAY}[watch]\ninterval = "1s"\n`);
    const { stdout } = await project.run(["config", "defaults"]);
    expect(stdout).toContain(`replay.rounds = 2  # ${project.file("rustydb-mem.toml")}:2\n`);
    expect(stdout).toContain(`watch.interval = "1s"  # ${project.file("rustydb-mem.toml")}:7\n`);
  });

  it("has a schema that takes what is right and refuses what is wrong", async () => {
    const { stdout } = await new Project(undefined).run(["config", "schema"]);
    const schema = z.fromJSONSchema(JSON.parse(stdout));
    const takes = (toml: string): boolean => schema.safeParse(parse(toml)).success;
    expect(
      takes(`${REPLAY}until = "2%"\ntouch = "all"\n[watch]\nlimit = "8GiB"\n[record]\nstacks = true\n`),
    ).toBe(true);
    for (const wrong of [
      '[replay]\ntouch = "pages"\n',
      "[replay]\nround = 3\n",
      '[replay]\nverify = "no"\n',
      "[repaly]\n",
      "[watch]\npid = 0\n",
    ]) {
      expect(takes(wrong), wrong).toBe(false);
    }
    const { rounds } = JSON.parse(stdout).properties.replay.properties;
    expect(rounds).toMatchObject({ default: 10, description: "timed rounds of each allocator" });
  });
});
