import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import type { WatchStep } from "../../src/pressure/live/watcher.js";
import { type WatchMetrics, watchMetrics } from "../../src/report/watch-metrics.js";
import { root } from "../cli/tool.js";
import { stateAt } from "../pressure/live/state.js";

const step = (level: number, more: Partial<WatchStep> = {}): WatchStep => {
  const state = stateAt(level);
  const { usedBytes } = state;
  const sample = { timeNs: 0, usedBytes, totalBytes: 8e9, swapBytes: 4096, psiMillipercent: 1500 };
  return { sample, state, happenings: [], oomKills: 0, ...more };
};

const made = (): Promise<WatchMetrics> =>
  watchMetrics({ source: 'cgroup /a"b', model: "adaptive", version: "1.0.0" });

/** One series of the text format. */
const value = (text: string, series: string): string | undefined =>
  text
    .split("\n")
    .find((line) => line.startsWith(`${series} `))
    ?.slice(series.length + 1);

const monitoring = (file: string): string => readFileSync(join(root, "examples", "monitoring", file), "utf8");

/** Of a PromQL expression, what is ours. */
const namesIn = (text: string): string[] =>
  [...text.matchAll(/\brustydb_mem_[a-z0-9_]+/g)].map(([name]) => name);

const hasPromtool = spawnSync("promtool", ["--version"]).error === undefined;
if (!hasPromtool) {
  process.stderr.write(
    "promtool is not installed (Debian: prometheus): rules and metrics are not checked by it\n",
  );
}

describe("the metrics of a watch", () => {
  it("say what was seen", async () => {
    const metrics = await made();
    metrics.step(step(0));
    metrics.step(step(2, { oomKills: 2 }));
    metrics.step(step(2));
    metrics.step(step(0));
    metrics.missed();
    metrics.action({ action: "monitor", outcome: "failed", text: "" });
    metrics.action({ action: "monitor", outcome: "done", text: "" });
    const text = await metrics.text();
    const expected: Record<string, string> = {
      'rustydb_mem_watch_info{source="cgroup /a\\"b",model="adaptive",version="1.0.0"}': "1",
      rustydb_mem_used_bytes: "6000000000",
      rustydb_mem_limit_bytes: "8000000000",
      rustydb_mem_swap_used_bytes: "4096",
      rustydb_mem_pressure_stall_ratio: "0.015",
      rustydb_mem_used_slope_bytes_per_second: "1000000",
      'rustydb_mem_forecast_bytes{horizon_seconds="60"}': "6060000000",
      'rustydb_mem_forecast_low_bytes{horizon_seconds="60"}': "5900000000",
      'rustydb_mem_forecast_highest_bytes{horizon_seconds="120"}': "6300000000",
      'rustydb_mem_limit_crossing_probability{horizon_seconds="30"}': "0.12",
      'rustydb_mem_forecast_skill{horizon_seconds="120"}': "-0.1",
      rustydb_mem_forecast_confidence: "0.8",
      'rustydb_mem_time_to_critical_seconds{bound="earliest"}': "250",
      'rustydb_mem_time_to_critical_seconds{bound="latest"}': "+Inf",
      rustydb_mem_pressure_level: "0",
      'rustydb_mem_threshold_ratio{level="critical"}': "0.9",
      rustydb_mem_samples_total: "4",
      rustydb_mem_missed_samples_total: "1",
      rustydb_mem_oom_kills_total: "2",
      'rustydb_mem_actions_total{action="gentle-eviction"}': "1",
      'rustydb_mem_actions_total{action="none"}': "1",
      'rustydb_mem_action_failures_total{action="monitor"}': "1",
    };
    for (const [series, number] of Object.entries(expected)) expect(value(text, series), series).toBe(number);
  });

  it("that nobody knows are not there", async () => {
    const metrics = await made();
    metrics.step(step(0));
    const state = stateAt(0, { horizons: [], confidence: null, timeToCritical: null });
    const { sample } = step(0);
    metrics.step(step(0, { state, sample: { ...sample, swapBytes: null, psiMillipercent: null } }));
    const text = await metrics.text();
    for (const name of [
      "forecast_bytes",
      "forecast_skill",
      "forecast_confidence",
      "swap_used_bytes",
      "pressure_stall_ratio",
    ]) {
      expect(text.match(new RegExp(`^rustydb_mem_${name}[ {].*$`, "m")), name).toBeNull();
    }
    expect(value(text, 'rustydb_mem_time_to_critical_seconds{bound="earliest"}')).toBe("+Inf");
  });

  it("are all that the dashboard and the alerts ask for", async () => {
    const metrics = await made();
    metrics.step(step(2));
    const text = await metrics.text();
    const served = new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name));
    const dashboard = JSON.parse(monitoring("grafana-dashboard.json")) as {
      panels: { id: number; targets: { expr: string }[] }[];
      templating: { list: { query: string | { query: string } }[] };
    };
    const rules = parse(monitoring("alerts.yml")) as {
      groups: { rules: { alert: string; expr: string }[] }[];
    };
    const asked = [
      ...dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
      ...dashboard.templating.list.map(({ query }) => (typeof query === "string" ? query : query.query)),
      ...rules.groups.flatMap((group) => group.rules.map(({ expr }) => expr)),
    ].flatMap(namesIn);
    expect(asked.length).toBeGreaterThan(20);
    for (const name of asked) expect(served, name).toContain(name);
    // And nothing is served that nobody looks at.
    expect([...served].filter((name) => !asked.includes(name ?? ""))).toEqual([]);
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
    // The values of labels in expressions are ones that are served.
    for (const expression of dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))) {
      for (const [, label, wanted] of expression.matchAll(/\b(horizon_seconds|bound)="([^"]+)"/g)) {
        expect(text).toContain(`${label}="${wanted}"`);
      }
    }
  });

  it.skipIf(!hasPromtool)("and the alerts satisfy promtool", async () => {
    const rules = spawnSync("promtool", ["check", "rules", join(root, "examples/monitoring/alerts.yml")], {
      encoding: "utf8",
    });
    expect(rules.stdout + rules.stderr).toMatch(/SUCCESS: 8 rules found/);
    const config = spawnSync(
      "promtool",
      ["check", "config", join(root, "examples/monitoring/prometheus.yml")],
      {
        encoding: "utf8",
      },
    );
    expect(config.status, config.stderr).toBe(0);
    const metrics = await made();
    metrics.step(step(2));
    const linted = spawnSync("promtool", ["check", "metrics"], {
      input: await metrics.text(),
      encoding: "utf8",
    });
    expect(linted.stderr + linted.stdout).toBe("");
    expect(linted.status).toBe(0);
  });
});
