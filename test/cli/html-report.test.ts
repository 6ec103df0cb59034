import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { resultFileSchema } from "../../src/measure/measurement.js";
import { benchFile, CLAIMS } from "../report/bench-sample.js";
import { sharedTrace, sharedTraces } from "../trace/shared-data.js";
import { startChromium } from "./chromium.js";
import { writeSmallTrace } from "./small-trace.js";
import { root, runTool, Scratch } from "./tool.js";

let browser: Browser;
beforeAll(async () => {
  browser = await startChromium();
});
afterAll(() => browser?.close());

/** The report of a replay with few rounds, as a file. */
async function reportOf(scratch: Scratch, ...args: string[]): Promise<string> {
  const path = scratch.file("report.html");
  const { code, stderr } = await runTool(["replay", ...args, "-q", "--export-html", path], { scratch });
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return path;
}

interface Opened {
  readonly page: Page;
  /** What went wrong, or wanted to leave the file. */
  readonly complaints: string[];
}

/** Opens a page, gives it to `look`, and expects no complaint. */
async function open(
  path: string,
  width: number,
  colorScheme: "light" | "dark",
  look: (opened: Opened) => Promise<void>,
): Promise<void> {
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme });
  const complaints: string[] = [];
  try {
    const page = await context.newPage();
    page.on("console", (message) => complaints.push(`console: ${message.text()}`));
    page.on("pageerror", (error) => complaints.push(`error: ${error.message}`));
    page.on("request", (request) => {
      if (!/^(file|data):/.test(request.url())) complaints.push(`request: ${request.url()}`);
    });
    await page.goto(pathToFileURL(path).href);
    await look({ page, complaints });
    expect(complaints).toEqual([]);
  } finally {
    await context.close();
  }
}

const overflow = (page: Page): Promise<number> =>
  page.evaluate("document.documentElement.scrollWidth - window.innerWidth");

/** The charts of a page: what they tell who does not see them, and how far they reach out of their frame. */
const CHARTS = `Array.from(document.querySelectorAll("figure"), (figure) => {
  const svg = figure.querySelector(".chart svg");
  const frame = svg.getBoundingClientRect();
  const outside = Array.from(svg.querySelectorAll("text"), (text) => {
    const box = text.getBoundingClientRect();
    return Math.max(frame.left - box.left, box.right - frame.right, frame.top - box.top, box.bottom - frame.bottom);
  });
  const axes = Array.from(svg.querySelectorAll("text"), (text) => text.textContent);
  return {
    title: figure.querySelector("figcaption strong").textContent,
    sentence: figure.querySelector("figcaption span").textContent,
    label: svg.getAttribute("role") === "img" ? svg.getAttribute("aria-label") : "",
    units: axes.filter((text) => /\\(.+\\)$|^(thousand |million )?(blocks|events)$/.test(text)).length,
    figures: figure.querySelectorAll("table tbody tr").length,
    outside: Math.max(...outside),
  };
})`;

interface Chart {
  readonly title: string;
  readonly sentence: string;
  readonly label: string;
  readonly units: number;
  readonly figures: number;
  readonly outside: number;
}

async function expectGoodCharts(page: Page, least: number): Promise<string[]> {
  const charts = (await page.evaluate(CHARTS)) as Chart[];
  expect(charts.length).toBeGreaterThanOrEqual(least);
  for (const chart of charts) {
    expect(chart.title).not.toBe("");
    expect(chart.sentence.length).toBeGreaterThan(10);
    expect(chart.label).toContain(chart.title);
    expect(chart, chart.title).toMatchObject({ units: expect.toSatisfy((units: number) => units >= 1) });
    expect(chart.figures, chart.title).toBeGreaterThan(0);
    // Fonts differ by a little from what the chart was laid out for.
    expect(chart.outside, `text of "${chart.title}" is cut`).toBeLessThan(4);
  }
  return charts.map(({ title }) => title);
}

/** Looks at a report in both widths and both schemes. */
async function expectGoodPage(path: string, leastCharts: number): Promise<string[]> {
  expect(readFileSync(path).length).toBeLessThan(1_000_000);
  const backgrounds = new Set<string>();
  let titles: string[] = [];
  for (const width of [1280, 390]) {
    for (const scheme of ["light", "dark"] as const) {
      await open(path, width, scheme, async ({ page }) => {
        expect(await overflow(page), `${width} px, ${scheme}`).toBeLessThanOrEqual(0);
        titles = await expectGoodCharts(page, leastCharts);
        backgrounds.add(await page.evaluate("getComputedStyle(document.body).backgroundColor"));
      });
    }
  }
  expect(backgrounds.size).toBe(2);
  return titles;
}

describe("the HTML report in a browser", () => {
  it("of the shipped SQLite trace: whole, quiet, in both widths and schemes", async () => {
    const scratch = new Scratch();
    const trace = join(root, "workloads", "recorded", "sqlite-tpcc.rmt.gz");
    const path = await reportOf(scratch, trace, "-a", "rustydb,slab,malloc", "-r", "2", "--no-verify");
    const titles = await expectGoodPage(path, 11);
    expect(titles).toEqual(
      expect.arrayContaining([
        "Time against malloc",
        "Peak memory against malloc",
        "How long an allocation takes",
        "How long a transaction takes, begin to end",
        "Resident memory over the trace",
        "Fragmentation over the trace",
        "Blocks by size",
        "Lifetimes, in time",
      ]),
    );
    await open(path, 1280, "dark", async ({ page }) => {
      const json = await page.evaluate('document.getElementById("result").textContent');
      const file = resultFileSchema.parse(JSON.parse(json as string));
      const [{ profile, peakLiveBytes }] = file.traces as [(typeof file.traces)[0]];
      expect(profile?.peak.liveBytes).toBe(peakLiveBytes);
      expect(profile?.sizes.blocksByBits.reduce((sum, count) => sum + count, 0)).toBe(profile?.blocks);
      expect(profile?.sizes.bytesByBits.reduce((sum, count) => sum + count, 0)).toBe(profile?.bytes);
      expect(profile?.sizes.peakBytesByBits.reduce((sum, count) => sum + count, 0)).toBe(peakLiveBytes);
      for (const { latencyNs } of file.results) {
        expect(latencyNs?.alloc?.curveNs).toHaveLength(33);
        expect(latencyNs?.alloc?.curveNs?.at(-1)).toBe(latencyNs?.alloc?.p9999);
      }
    });
  }, 90_000);

  it.skipIf(!sharedTraces)(
    "of an Android trace: no transactions, many threads",
    async () => {
      const path = await reportOf(
        new Scratch(),
        ...[sharedTrace("android-systemui.zip"), "-a", "rustydb,malloc", "-r", "1", "--no-verify"],
      );
      const titles = await expectGoodPage(path, 8);
      expect(titles).not.toContain("How long a transaction takes, begin to end");
    },
    90_000,
  );

  it("of a benchmark: a chart a suite, and claims that a telephone can read", async () => {
    const scratch = new Scratch();
    const [saved, path] = [scratch.file("bench.json"), scratch.file("bench.html")];
    writeFileSync(saved, JSON.stringify(await benchFile()));
    const { code, stderr } = await runTool(["report", saved, "--export-html", path], { scratch });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const titles = await expectGoodPage(path, 2);
    expect(titles).toEqual(["Time against malloc", "Time against malloc"]);
    const claims = `Array.from(document.querySelectorAll(".claims tbody tr:not(.area)"), (row) =>
      Array.from(row.children, (cell) => {
        const [box, frame] = [cell.getBoundingClientRect(), row.closest(".scroll").getBoundingClientRect()];
        return { role: cell.getAttribute("role"), out: Math.max(box.right - frame.right, frame.left - box.left) };
      }))`;
    for (const width of [1280, 390]) {
      await open(path, width, "light", async ({ page }) => {
        const rows = (await page.evaluate(claims)) as { role: string; out: number }[][];
        expect(rows).toHaveLength(CLAIMS.length);
        for (const cells of rows) {
          expect(cells.map(({ role }) => role)).toEqual(["rowheader", "cell", "cell", "cell"]);
          expect(Math.max(...cells.map(({ out }) => out))).toBeLessThanOrEqual(0);
        }
        await page.emulateMedia({ media: "print" });
        expect(await page.evaluate(`document.querySelector(".verdict").offsetHeight > 0`)).toBe(true);
      });
    }
  }, 90_000);

  it("goes on paper: light, nothing folded, nothing that scrolls or is cut", async () => {
    const scratch = new Scratch();
    const trace = scratch.file("small.csv");
    writeSmallTrace(trace);
    const path = await reportOf(scratch, trace, trace, "-a", "rustydb,malloc", "-r", "1", "--no-verify");
    await open(path, 794, "dark", async ({ page }) => {
      await page.emulateMedia({ media: "print", colorScheme: "dark" });
      expect(await overflow(page)).toBeLessThanOrEqual(0);
      expect(await page.evaluate("getComputedStyle(document.body).backgroundColor")).toBe(
        "rgb(255, 255, 255)",
      );
      const shown = await page.evaluate(
        'Array.from(document.querySelectorAll("nav, details:not([open])"), (each) => each.offsetHeight)',
      );
      expect(Math.max(...(shown as number[]))).toBe(0);
      const cut = await page.evaluate(
        'Array.from(document.querySelectorAll(".chart"), (each) => each.scrollWidth - each.clientWidth)',
      );
      expect(Math.max(...(cut as number[]))).toBeLessThanOrEqual(0);
      expect((await page.pdf({ format: "A4" })).length).toBeGreaterThan(10_000);
    });
  }, 90_000);

  it("can be used by keyboard, and its headings lead through it", async () => {
    const scratch = new Scratch();
    const trace = scratch.file("small.csv");
    writeSmallTrace(trace);
    const path = await reportOf(scratch, trace, "-a", "rustydb,malloc", "-r", "1", "--no-verify");
    await open(path, 390, "light", async ({ page }) => {
      await page.keyboard.press("Tab");
      const focused = "document.activeElement.textContent.trim()";
      expect(await page.evaluate(focused)).toBe("To the results");
      expect(await page.evaluate("document.activeElement.getBoundingClientRect().left >= 0")).toBe(true);
      await page.keyboard.press("Enter");
      expect(await page.evaluate("document.activeElement.id")).toBe("main");
      const levels = (await page.evaluate(
        'Array.from(document.querySelectorAll("h1,h2,h3,h4"), (each) => Number(each.tagName[1]))',
      )) as number[];
      expect(levels.filter((level) => level === 1)).toHaveLength(1);
      for (const [at, level] of levels.entries())
        expect(level - (levels[at - 1] ?? 0)).toBeLessThanOrEqual(1);
      const dead = await page.evaluate(
        `Array.from(document.querySelectorAll('a[href^="#"]'), (each) => each.getAttribute("href").slice(1))
          .filter((id) => document.getElementById(id) === null)`,
      );
      expect(dead).toEqual([]);
      const ids = (await page.evaluate(
        'Array.from(document.querySelectorAll("[id]"), (each) => each.id)',
      )) as string[];
      expect(new Set(ids).size).toBe(ids.length);
      const scrollers = await page.evaluate(
        'Array.from(document.querySelectorAll(".scroll")).every((each) => each.tabIndex === 0 && each.ariaLabel)',
      );
      expect(scrollers).toBe(true);
    });
  }, 90_000);
});

describe("what a trace holds", { timeout: 90_000 }, () => {
  it("is not read of standard input, which comes once, and the report says so", async () => {
    const scratch = new Scratch();
    const [trace, path] = [scratch.file("small.csv"), scratch.file("report.html")];
    writeSmallTrace(trace);
    const { code, stderr } = await runTool(
      [
        "-c",
        `cat "$0" | "$1" "$2" replay - -a rustydb,malloc -r 2 --no-verify -q --export-html "$3"`,
        ...[trace, process.execPath, join(root, "bin", "rustydb-mem.js"), path],
      ],
      { scratch, command: ["bash"] },
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(readFileSync(path, "utf8")).toContain("came through a pipe, which can be read only once");
  });

  it("is in the JSON, and costs nothing where nobody asks for it", async () => {
    const scratch = new Scratch();
    const [trace, path] = [scratch.file("small.csv"), scratch.file("result.json")];
    writeSmallTrace(trace);
    await runTool(["replay", trace, "-a", "malloc", "-r", "1", "--export-json", path], { scratch });
    const file = resultFileSchema.parse(JSON.parse(readFileSync(path, "utf8")));
    expect(file.traces[0]?.profile?.kinds.map(({ kind }) => kind)).toEqual(["cache", "lob", "row"]);
  });
});
