import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { replaceFile } from "../../src/commands/export.js";
import { chooseAllocators } from "../../src/engine/allocators.js";
import { ReplayError } from "../../src/errors.js";
import type { ResultFile } from "../../src/measure/measurement.js";
import { junitReport } from "../../src/report/junit.js";
import { prometheusReport } from "../../src/report/prometheus.js";
import { measuredTrace, resultFile, steadyWorld } from "../measure/sample.js";

interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: Element[];
}

/** A small reader of XML that takes nothing that is not well formed. */
function parseXml(xml: string): Element {
  const top: Element = { name: "", attributes: {}, children: [] };
  const open = [top];
  let rest = xml.replace(/^<\?xml [^?]*\?>\s*/, "");
  while (rest !== "") {
    const tag = /^<(\/?)([\w-]+)((?:\s+[\w-]+="[^"<]*")*)\s*(\/?)>/.exec(rest);
    const text = /^(?:<!\[CDATA\[[\s\S]*?\]\]>|[^<]+)/.exec(rest);
    const taken = tag?.[0] ?? text?.[0];
    if (taken === undefined) throw new Error(`no XML: ${rest.slice(0, 60)}`);
    if (/&(?!(?:amp|lt|gt|quot|apos|#\d+|#x[\da-fA-F]+);)/.test(taken.replace(/^<!\[CDATA.*/s, ""))) {
      throw new Error(`a bare ampersand: ${taken}`);
    }
    rest = rest.slice(taken.length);
    if (tag === null) continue;
    const [, end, name = "", words = "", empty] = tag;
    if (end === "/") {
      if (open.pop()?.name !== name) throw new Error(`</${name}> closes nothing`);
      continue;
    }
    const pairs = [...words.matchAll(/([\w-]+)="([^"]*)"/g)].map(([, key = "", value = ""]) => [key, value]);
    if (new Set(pairs.map(([key]) => key)).size !== pairs.length)
      throw new Error(`twice the same in ${words}`);
    const element = { name, attributes: Object.fromEntries(pairs) as Record<string, string>, children: [] };
    open.at(-1)?.children.push(element);
    if (empty !== "/") open.push(element);
  }
  if (open.length !== 1 || top.children.length !== 1) throw new Error("not closed");
  return top.children[0] as Element;
}

/** What the schema of JUnit's XML that CI servers share says of each element: attributes it needs, children it may have. */
const RULES: Readonly<Record<string, { needs: string[]; may: string[] }>> = {
  testsuites: { needs: ["tests", "failures", "errors"], may: ["testsuite"] },
  testsuite: {
    needs: ["name", "tests", "failures", "errors", "skipped", "time", "timestamp"],
    may: ["properties", "testcase", "system-out", "system-err"],
  },
  properties: { needs: [], may: ["property"] },
  property: { needs: ["name", "value"], may: [] },
  testcase: {
    needs: ["name", "classname"],
    may: ["properties", "skipped", "failure", "error", "system-out", "system-err"],
  },
  skipped: { needs: [], may: [] },
  failure: { needs: ["message", "type"], may: [] },
  "system-out": { needs: [], may: [] },
};

function broken(element: Element): string[] {
  const rule = RULES[element.name];
  if (rule === undefined) return [`unknown element ${element.name}`];
  const count = (name: string): number => element.children.filter((each) => each.name === name).length;
  const cases = element.children.filter(({ name }) => name === "testcase");
  const holding = (name: string): number =>
    cases.filter(({ children }) => children.some((child) => child.name === name)).length;
  return [
    ...rule.needs
      .filter((key) => element.attributes[key] === undefined)
      .map((key) => `${element.name} lacks ${key}`),
    ...element.children
      .filter(({ name }) => !rule.may.includes(name))
      .map(({ name }) => `${name} in ${element.name}`),
    ...(count("skipped") + count("failure") > 1 ? ["two outcomes"] : []),
    ...(element.name === "testsuite" &&
    (Number(element.attributes.tests) !== cases.length ||
      Number(element.attributes.failures) !== holding("failure") ||
      Number(element.attributes.skipped) !== holding("skipped") ||
      !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/.test(element.attributes.timestamp ?? ""))
      ? ["counts or time stamp are wrong"]
      : []),
    ...element.children.flatMap(broken),
  ];
}

const failing = async (name: string): Promise<ResultFile> =>
  resultFile([
    await measuredTrace(name, {
      ...steadyWorld,
      before: ({ allocator, mode }) => {
        if (allocator.name === "jemalloc" && mode === "check")
          throw new ReplayError("corrupted-block", "jemalloc", 'a "byte" <changed> & more', { event: 7 });
      },
    }),
  ]);

describe("JUnit's XML", () => {
  it("has a suite a trace, a case an allocator, and keeps the rules", async () => {
    const file = await failing('a<&"\u0001.rmt');
    const tree = parseXml(await junitReport(file));
    expect(broken(tree)).toEqual([]);
    const [suite] = tree.children;
    expect(suite?.attributes).toMatchObject({
      name: "a&lt;&amp;&quot;\uFFFD.rmt",
      tests: "3",
      failures: "1",
    });
    const cases = suite?.children.filter(({ name }) => name === "testcase") ?? [];
    expect(cases.map(({ attributes }) => attributes.name)).toEqual(["rustydb", "malloc", "jemalloc"]);
    const [rustydb, , jemalloc] = cases;
    expect(jemalloc?.children.find(({ name }) => name === "failure")?.attributes).toMatchObject({
      message: "a &quot;byte&quot; &lt;changed> &amp; more (event 7)",
      type: "corrupted-block",
    });
    const properties = rustydb?.children.find(({ name }) => name === "properties")?.children ?? [];
    const ratio = properties.find(({ attributes }) => attributes.name === "warm_ratio")?.attributes.value;
    expect(Number(ratio)).toBeCloseTo(0.5, 1);
    const ns = file.results[0]?.rounds.reduce(
      (sum, { coldNs, warmNs }) => sum + coldNs + warmNs.reduce((a, b) => a + b, 0),
      0,
    );
    expect(Number(rustydb?.attributes.time)).toBeCloseTo((ns ?? 0) / 1e9, 6);
  });

  it("skips the peers that `all` did not find", async () => {
    const peers = [{ name: "tcmalloc", package: "libtcmalloc", path: undefined }];
    const { warnings } = chooseAllocators(["all"], peers);
    const file = { ...resultFile([await measuredTrace("a")]), warnings: [...warnings] };
    const tree = parseXml(await junitReport(file));
    expect(broken(tree)).toEqual([]);
    expect(tree.children[0]?.attributes).toMatchObject({ tests: "4", skipped: "1", failures: "0" });
  });

  it("says that the rules here find what is wrong", () => {
    const wrong =
      '<testsuites tests="1" failures="0" errors="0"><testcase name="x"><oops/></testcase></testsuites>';
    expect(broken(parseXml(wrong))).toEqual(
      expect.arrayContaining(["testcase in testsuites", "testcase lacks classname", "unknown element oops"]),
    );
    expect(() => parseXml("<a><b></a>")).toThrow();
    expect(() => parseXml("<a>&</a>")).toThrow();
  });
});

const hasPromtool = spawnSync("promtool", ["--version"]).error === undefined;

describe("metrics for Prometheus", () => {
  it("have a series for each trace and allocator, in base units, and none for what is not known", async () => {
    const text = await prometheusReport(await failing("a"));
    const value = (series: string): number =>
      Number(
        text
          .split("\n")
          .find((line) => line.startsWith(`${series} `))
          ?.slice(series.length),
      );
    expect(value('rustydb_mem_replay_time_ratio{trace="a",allocator="rustydb"}')).toBeCloseTo(0.5, 1);
    expect(value('rustydb_mem_replay_event_seconds{trace="a",allocator="malloc"}')).toBeCloseTo(6e-9, 10);
    expect(value('rustydb_mem_replay_peak_bytes{trace="a",allocator="rustydb"}')).toBe(1100);
    expect(value('rustydb_mem_replay_failed{trace="a",allocator="jemalloc"}')).toBe(1);
    expect(value('rustydb_mem_replay_failed{trace="a",allocator="malloc"}')).toBe(0);
    expect(value("rustydb_mem_replay_completion_timestamp_seconds")).toBe(Date.parse("2026-01-01") / 1000);
    expect(text).not.toMatch(/time_ratio\{trace="a",allocator="malloc"/);
    expect(text).not.toMatch(/NaN|undefined|null/);
  });

  it.skipIf(!hasPromtool)("are what promtool takes", async () => {
    const input = await prometheusReport(await failing('a"b'));
    const { status, stdout, stderr } = spawnSync("promtool", ["check", "metrics"], {
      input,
      encoding: "utf8",
    });
    expect(stdout + stderr).toBe("");
    expect(status).toBe(0);
  });
});

describe("a file that is replaced", () => {
  it("is there as a whole, and nothing beside it", () => {
    const folder = mkdtempSync(join(tmpdir(), "report-test-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const path = join(folder, "x.prom");
    writeFileSync(path, "old");
    replaceFile(path, "new");
    expect(readFileSync(path, "utf8")).toBe("new");
    expect(readdirSync(folder)).toEqual(["x.prom"]);
    expect(() => replaceFile(folder, "x")).toThrow(/could not be written/);
    expect(existsSync(folder) && readdirSync(folder)).toEqual(["x.prom"]);
  });
});
