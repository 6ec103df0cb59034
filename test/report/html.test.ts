import { describe, expect, it } from "vitest";
import { ReplayError } from "../../src/errors.js";
import { type ResultFile, resultFileSchema } from "../../src/measure/measurement.js";
import type { TraceProfile } from "../../src/measure/measurement-profile.js";
import { htmlReport } from "../../src/report/html/html.js";
import { curveOf } from "../../src/report/html/latency.js";
import { html } from "../../src/report/html/markup.js";
import { seriesStyles } from "../../src/report/html/palette.js";
import { thinned } from "../../src/report/html/thin.js";
import { measuredTrace, resultFile, steadyWorld } from "../measure/sample.js";
import { benchFile, CLAIMS } from "./bench-sample.js";

const report = (file: ResultFile): Promise<string> => htmlReport(file, { sort: "time", unit: undefined });

const EVIL = `</script><img src=x onerror="alert('1')">&`;

const profile: TraceProfile = {
  blocks: 300,
  bytes: 9000,
  sizes: {
    ...{ p50: 16, p90: 64, p99: 100, max: 100 },
    ...{ blocksByBits: [0, 0, 0, 0, 0, 200, 0, 100], bytesByBits: [0, 0, 0, 0, 0, 3200, 0, 5800] },
    peakBytesByBits: [0, 0, 0, 0, 0, 1000],
  },
  lifetimeEvents: { blocks: 250, p50: 3, p90: 9, p99: 20, max: 31, blocksByBits: [0, 50, 150, 0, 50] },
  lifetimeNs: null,
  peak: { event: 77, liveBytes: 1000, liveBlocks: 60 },
  kinds: [{ kind: `row ${EVIL}`, blocks: 300, bytes: 9000, peakBytes: 1000 }],
  callSites: {
    ...{ stackBytes: 0, stacks: 300, sites: 2 },
    atPeak: [{ frames: [`std::vector<${EVIL}>`, "main"], stacks: 200, bytes: 750, blocks: 40 }],
  },
};

async function fileWith(name: string, more: Partial<ResultFile["traces"][number]> = {}): Promise<ResultFile> {
  const measured = await measuredTrace(name);
  return resultFile([{ ...measured, trace: { ...measured.trace, ...more } }]);
}

/** The result that lies in a page. */
function embeddedIn(page: string): ResultFile {
  const json = /<script type="application\/json" id="result">(.*?)<\/script>/s.exec(page)?.[1];
  return resultFileSchema.parse(JSON.parse(json ?? ""));
}

describe("the HTML report", () => {
  it("has its parts in order: verdict, results, latency, memory, what the trace holds, how it was measured", async () => {
    const page = await report(await fileWith("a", { profile }));
    const order = [
      "<title>Allocators on a</title>",
      '<p class="lead">rustydb is ',
      ">Results</h3>",
      "Time against malloc</strong>",
      "How long an allocation takes</strong>",
      "Resident memory over the trace</strong>",
      "Blocks by size</strong>",
      "Lifetimes, in events of the trace</strong>",
      "Who holds memory at the peak",
      "rustydb-mem replay &#39;my trace.rmt&#39; --seed 7",
      "Test CPU",
      'id="result"',
    ];
    const places = order.map((part) => page.indexOf(part));
    expect(places.filter((place) => place < 0)).toEqual([]);
    expect([...places].sort((a, b) => a - b)).toEqual(places);
  });

  it("lets no name become markup", async () => {
    const file = await fileWith(EVIL, { profile });
    const named = JSON.parse(
      JSON.stringify(file).replaceAll('"jemalloc"', JSON.stringify(EVIL)),
    ) as ResultFile;
    const page = await report({ ...named, warnings: [EVIL], command: ["replay", EVIL] });
    expect(page).toContain("&lt;/script&gt;&lt;img");
    expect(page).not.toContain("<img");
    expect(page.match(/<\/script/g)).toHaveLength(1);
    expect(page).not.toMatch(/<[^>]* on\w+="/);
    expect(embeddedIn(page).results.map(({ allocator }) => allocator)).toContain(EVIL);
  });

  it("asks for nothing from elsewhere and runs nothing", async () => {
    const plain = JSON.parse(
      JSON.stringify(profile).replaceAll(JSON.stringify(EVIL).slice(1, -1), ""),
    ) as TraceProfile;
    const page = await report(await fileWith("a", { profile: plain }));
    const outside = [...page.matchAll(/(?<![\w-])(?:src|href|url)\s*[=(]\s*["']?([^"')\s>]*)/g)].map(
      ([, to]) => to ?? "",
    );
    expect(outside.filter((to) => !/^(#|data:,)/.test(to))).toEqual([]);
    expect([...page.matchAll(/<script(?! type="application\/json")/g)]).toEqual([]);
  });

  it("gives every chart a title, a sentence, a label, units and its figures", async () => {
    const page = await report(await fileWith("a", { profile }));
    const figures = page.match(/<figure.*?<\/figure>/gs) ?? [];
    expect(figures.length).toBeGreaterThanOrEqual(8);
    for (const figure of figures) {
      expect(figure).toMatch(/<figcaption><strong>[^<]+<\/strong><span>[^<]{10,}<\/span>/);
      expect(figure).toMatch(/<svg [^>]*role="img" aria-label="[^"]{10,}"/);
      expect(figure).toMatch(/<text [^>]*>[^<]*(\(.+\)|blocks|events)<\/text>/);
      expect(figure).toMatch(/<details><summary>Figures.*<table>.*<td/s);
    }
  });

  it("draws an allocator the same everywhere, and no two the same", async () => {
    const names = ["malloc", ...Array.from({ length: 14 }, (_, at) => `peer-${at}`)];
    const file = await fileWith("a");
    const [first] = file.results;
    if (first === undefined) throw new Error("a sample without results");
    const styleOf = seriesStyles({ ...file, results: names.map((allocator) => ({ ...first, allocator })) });
    const looks = names.map((name) => JSON.stringify({ ...styleOf(name), name: "" }));
    expect(new Set(looks).size).toBe(names.length);
    expect(styleOf("malloc").colour).toBe("var(--s-base)");
  });

  it("carries the whole result, its timelines and passes thinned out where they are long", async () => {
    const file = await fileWith("a", { profile });
    // As if of a trace that is not so small that a round has thousands of passes.
    const few = {
      ...file,
      results: file.results.map((result) => ({
        ...result,
        rounds: result.rounds.map((round) => ({ ...round, warmNs: round.warmNs.slice(0, 3), warmCpuNs: [] })),
      })),
    };
    expect(embeddedIn(await report(few))).toEqual(resultFileSchema.parse(few));
    const [whole, kept] = [file, embeddedIn(await report(file))].map(
      ({ results }) => results[0]?.rounds ?? [],
    );
    expect(whole?.[0]?.warmNs.length).toBe(1000);
    expect(kept?.map(({ warmNs }) => warmNs.length)).toEqual(whole?.map(() => 1));
    const timeline = Array.from({ length: 20_000 }, (_, event) => ({
      ...{ event, liveBytes: 1000 + (event % 7) },
      bytes: event === 12_345 ? 999_999 : 2000 + (event % 11),
    }));
    const long = {
      ...file,
      results: file.results.map((result) =>
        result.memory === undefined ? result : { ...result, memory: { ...result.memory, timeline } },
      ),
    };
    const page = await report(long);
    expect(page.length).toBeLessThan(500_000);
    expect(page).toMatch(/timelines of memory are thinned out to \d+ points/);
    for (const { memory } of embeddedIn(page).results) {
      const kept = memory?.timeline ?? [];
      expect(kept.length).toBeLessThan(2000);
      expect(Math.max(...kept.map(({ bytes }) => bytes))).toBe(999_999);
    }
  });

  it("says why it cannot tell what a trace from a pipe holds, and nothing where nobody asked", async () => {
    expect(await report(await fileWith("a", { profileAbsent: "read-once" }))).toContain(
      "came through a pipe",
    );
    expect(await report(await fileWith("a"))).not.toContain("What the trace holds");
  });

  it("has a section for each of several traces, the means in front, and stays small with thirty", async () => {
    const measured = [];
    for (let at = 0; at < 30; at += 1) {
      measured.push(await measuredTrace(`hot-path/pairs-${at}`, steadyWorld, { memory: at === 0 }));
    }
    const page = await report(resultFile(measured));
    expect(page.indexOf("geometric mean of 30 traces")).toBeLessThan(page.indexOf("hot-path/pairs-0</h2>"));
    expect(page.match(/<h2 id="trace-\d+">/g)).toHaveLength(30);
    expect(page).toContain('<a href="#trace-30">hot-path/pairs-29</a>');
    expect(page.match(/Resident memory over the trace<\/strong>/g)).toHaveLength(1);
    expect(page.length).toBeLessThan(1_000_000);
  });

  it("shows an allocator that failed, and that a run is partial", async () => {
    const measured = await measuredTrace("a", {
      ...steadyWorld,
      before: ({ allocator: { name }, mode }) => {
        if (name === "jemalloc" && mode === "check")
          throw new ReplayError("corrupted-block", "jemalloc", "jemalloc: a byte changed");
      },
    });
    const page = await report(resultFile([measured], { partial: true }));
    expect(page).toContain('<td class="l failed">FAILED</td>');
    expect(page).toContain('.failed::before{content:"✗ "');
    expect(page).toContain("a: jemalloc was stopped: jemalloc: a byte changed");
    expect(page).toContain("Partial: ");
  });

  it("does with what a result has, where most was not measured", async () => {
    const measured = await measuredTrace("a", steadyWorld, { memory: false, latency: false, verify: false });
    const page = await report(resultFile([measured]));
    expect(page).not.toMatch(/Latency<\/h3>|Memory<\/h3>/);
    const empty = { ...resultFile([measured]), results: [], comparisons: [] };
    expect(await report(empty)).toContain("Nothing could be compared on this trace.");
  });
});

describe("the page of a benchmark", () => {
  it("has the verdict, a chart with its table for each suite, what changed, and the claims", async () => {
    const page = await report(await benchFile());
    const order = [
      "<title>3 benchmarks, the forecaster’s cost, 4 claims</title>",
      "<li><b>hot-path</b> rustydb takes 0.50× the time of malloc, then jemalloc (0.83×).</li>",
      '<h2 id="suite-hot-path">hot-path</h2>',
      "Time against malloc</strong>",
      ">pairs</th>",
      ">geometric mean</th>",
      "Memory at the peak against malloc</h3>",
      '<h2 id="suite-aging">aging</h2>',
      '<h2 id="figures">pressure</h2>',
      "255 ns <i>[245, 266]</i>",
      '<p class="answer">Since old.json 1 of 2 times are longer, 0 shorter.</p>',
      '<h2 id="claims">Claims of the design</h2>',
      "To measure it again",
    ];
    const places = order.map((part) => page.indexOf(part));
    expect(order.filter((_, at) => (places[at] ?? -1) < 0)).toEqual([]);
    expect([...places].sort((a, b) => a - b)).toEqual(places);
    expect(page.match(/<figure/g)).toHaveLength(2);
    expect(page).not.toMatch(/How long an allocation takes|Resident memory over the trace|Blocks by size/);
    expect(page).toContain('<td class="r better">0.50×');
    expect(page).toMatch(/<td class="r worse">1\.30× <i>\[1\.20, 1\.40\]<\/i>/);
  });

  it("tells of a claim the verdict in a word and a sign, the value, the target, how, and the command", async () => {
    const page = await report(await benchFile());
    for (const { claim, target, protocol, note, command, verdict } of CLAIMS) {
      const row = page.split("<tr").find((each) => each.includes(`"claim">${claim}<`)) ?? "";
      expect(row).toMatch(new RegExp(`aria-hidden="true">[✓✗◐–]</span> ${verdict}</span>`));
      expect(row).toContain(`>${target}</td>`);
      expect(row).toContain(note === undefined ? protocol : `${protocol}; ${note}`);
      expect(row).toContain(`<code>${command.startsWith("npm ") ? "" : "rustydb-mem "}${command}</code>`);
    }
    expect(page).toContain("<b>47.4 ns</b> <i>[40.4, 54.7]</i>");
    expect(page).toContain("2 of 3 met");
  });

  it("marks dots that are no difference, and draws no interval where there is none", async () => {
    const file = await benchFile();
    const same = file.comparisons.map((each) => ({
      ...each,
      ratio: { median: 1.1, low: 0.9, high: each.allocator === "jemalloc" ? null : 1.3 },
    }));
    const [told, untold] = [await report(file), await report({ ...file, comparisons: same })];
    const hollow = (page: string): number => page.match(/fill="var\(--card\)"/g)?.length ?? 0;
    expect(hollow(untold)).toBeGreaterThan(hollow(told));
    expect(untold).toContain('<td class="r">~1.10×');
  });

  it("lets no name become markup, and no two sections share an id", async () => {
    const file = await benchFile();
    const named = JSON.parse(
      JSON.stringify(file)
        .replaceAll('"jemalloc"', JSON.stringify(EVIL))
        .replaceAll("fast path", JSON.stringify(EVIL).slice(1, -1)),
    ) as ResultFile;
    const page = await report(named);
    expect(page).not.toContain("<img");
    expect(page.match(/<\/script/g)).toHaveLength(1);
    const ids = [...page.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [, to] of page.matchAll(/href="#([^"]*)"/g)) expect(ids).toContain(to);
  });

  it("does with claims alone, and with nothing at all", async () => {
    const file = await benchFile();
    const none = { traces: [], results: [], comparisons: [], warnings: [] };
    const { bench } = file;
    if (bench === undefined) throw new Error("a sample without a benchmark");
    const claims = await report({
      ...{ ...file, ...none },
      bench: { suites: [], figures: [], claims: bench.claims },
    });
    expect(claims).toContain(
      '<p class="lead">Of 4 claims 2 are met, 1 are not, 0 are open, 1 not measured.</p>',
    );
    expect(claims).not.toMatch(/<figure|as CSV|>Traces</);
    const empty = await report({ ...file, ...none, bench: { suites: [], figures: [], claims: [] } });
    expect(empty).toContain("Nothing came out that could be compared.");
  });

  it("stays below 600 KB with thirty cases and ten allocators", async () => {
    const page = await report(await benchFile({ cases: 30, peers: 8 }));
    expect(page.length).toBeLessThan(600_000);
    expect(page).toContain("rounds, cold times, memory and latency are left out, whose figures the CSV has");
    const kept = embeddedIn(page);
    expect(kept.results).toHaveLength(300);
    expect(kept.results.every(({ warm, rounds }) => warm !== undefined && rounds.length === 0)).toBe(true);
  });
});

describe("what charts are made of", () => {
  it("escapes what goes into a template, and not what is markup", () => {
    expect(html`<b title="${'"'}">${["<", html`<i>${"&"}</i>`, undefined, false, 7]}</b>`.text).toBe(
      '<b title="&quot;">&lt;<i>&amp;</i>7</b>',
    );
  });

  it("thins a timeline without losing its ends or its peak", () => {
    const timeline = Array.from({ length: 1000 }, (_, event) => ({
      ...{ event, liveBytes: 1 },
      bytes: event === 500 ? 9 : 2,
    }));
    const kept = thinned(timeline, 10);
    expect(kept.length).toBe(12);
    expect([kept[0]?.event, kept.at(-1)?.event]).toEqual([0, 999]);
    expect(kept.filter(({ bytes }) => bytes === 9)).toHaveLength(1);
    expect(thinned(timeline.slice(0, 12), 10)).toHaveLength(12);
    const events = kept.map(({ event }) => event);
    expect([...events].sort((a, b) => a - b)).toEqual(events);
  });

  it("takes the five percentiles of a result without a curve, and no point beyond the number of operations", () => {
    const values = { count: 1000, p50: 1, p90: 2, p99: 3, p999: 4, p9999: 5, max: 6 };
    expect(curveOf(values).map(({ ns }) => ns)).toEqual([1, 2, 3, 4]);
    const curveNs = Array.from({ length: 33 }, (_, at) => at + 1);
    const curve = curveOf({ ...values, curveNs });
    expect(curve).toHaveLength(25);
    expect(curve[8]).toEqual({ nines: 1, ns: 9 });
  });
});
