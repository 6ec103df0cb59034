import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ConfigError } from "../../../src/errors.js";
import { parseWatchConfig, readWatchConfig } from "../../../src/pressure/live/watch-config.js";
import { root } from "../../cli/tool.js";

const read = (text: string) => parseWatchConfig(text, "my.toml");

describe("the section [watch]", () => {
  it("is read, with sizes and times as people write them", () => {
    const config = read(`
      [other]
      anything = 1
      [watch]
      cgroup = "system.slice/db.service"
      limit = "8GiB"
      interval = "500ms"
      model = "holt"
      record = "a.rmt.gz"
      prometheus = ":9464"
      on_action = "true"
      action_timeout = "5s"
      dry_run = true
      thresholds = [60, 70, 80, 90.5]
      chances = [10, 20, 30, 40]
      ahead = "2m"
      predictive = false
      false_alarms_per_hour = 0.1
      samples_to_enter = 3
      leave_below = 5
      leave_after = "30s"
      cooldown = "1m"
    `);
    expect(config).toEqual({
      ...{ cgroup: "system.slice/db.service", limit: 8 * 1024 ** 3, intervalNs: 5e8, model: "holt" },
      ...{ record: "a.rmt.gz", prometheus: ":9464", onAction: "true", actionTimeoutNs: 5e9, dryRun: true },
      policy: {
        ...{
          thresholds: [0.6, 0.7, 0.8, 0.905],
          chances: [0.1, 0.2, 0.3, 0.4],
          aheadS: 120,
          predictive: false,
        },
        ...{ falseAlarmsPerHour: 0.1, samplesToEnter: 3, leaveBelow: 0.05, leaveAfterS: 30, cooldownS: 60 },
      },
    });
  });

  it("stands in the documentation with every key", () => {
    const manual = readFileSync(join(root, "docs/watch.md"), "utf8");
    const [example = ""] = /^ {4}\[watch\]\n(?: {4}.*\n?)+/m.exec(manual) ?? [];
    const config = parseWatchConfig(example.replace(/^ {4}/gm, ""), "docs/watch.md");
    const { pid, system, ...others } = read("[watch]\npid = 1\nsystem = true\n");
    expect([pid, system]).toEqual([1, true]);
    expect(Object.keys(config).length + Object.keys(config.policy).length).toBe(20);
    expect(others).toEqual({ policy: {} });
  });

  it("may say nothing", () => {
    expect(read("[watch]\n")).toEqual({ policy: {} });
  });

  it.each<[string, string, RegExp]>([
    ["[watch]\nlimt = 3\n", "my.toml:2:1: watch.limt", /there is no such key/],
    ['[watch]\npid = 1\n\nlimit = "8 gigs"\n', "my.toml:4:1: watch.limit", /"8 gigs" is not a size/],
    ["[watch]\ninterval = 3\n", "my.toml:2:1: watch.interval", /expected string/],
    ["[watch]\nthresholds = [70, 80]\n", "my.toml:2:1: watch.thresholds", /four are needed/],
    ["[watch]\nthresholds = [70, 80, 80, 90]\n", "my.toml:2:1: watch.thresholds", /above the one before/],
    ["[watch]\nthresholds = [70, 80, 90, 120]\n", "my.toml:2:1: watch.thresholds", /100/],
    ['[watch]\nmodel = "oracle"\n', "my.toml:2:1: watch.model", /adaptive/],
    ["[heap]\nreserve = 0\n", "my.toml", /no section \[watch\]/],
    ["[watch]\npid = \n", "my.toml:2:", /./],
  ])("that is wrong is told with file, line and key: %j", (text, place, complaint) => {
    let error: unknown;
    try {
      read(text);
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as ConfigError).place()).toContain(place);
    expect((error as ConfigError).message).toMatch(complaint);
    expect((error as ConfigError).remedy).toBeTruthy();
  });

  it("suggests the key that was meant", () => {
    expect(() => read("[watch]\nlimt = 3\n")).toThrow(
      expect.objectContaining({ remedy: 'Did you mean "limit"?' }) as Error,
    );
  });

  it("of a file that is not there is an error", () => {
    expect(() => readWatchConfig("/nowhere/my.toml")).toThrow(/\/nowhere\/my.toml cannot be read/);
  });
});
