import type { ResultFile, TraceResult } from "../../measure/measurement.js";
import type { TimeUnit } from "../../units.js";
import { answerOf, overallAnswer } from "../answer.js";
import { reportRows, type Sort } from "../rows.js";
import { appendix } from "./appendix.js";
import { benchPage } from "./bench.js";
import { Charts } from "./chart.js";
import { embedded } from "./embed.js";
import { forecastPart } from "./forecast.js";
import { latencyPart } from "./latency.js";
import { html, type Markup, type Part } from "./markup.js";
import { memoryPart } from "./memory.js";
import { contents, facts, meansPart, ratioFigures, resultTable, tiles, warningsPart } from "./overview.js";
import { page } from "./page.js";
import { type SeriesStyles, seriesStyles } from "./palette.js";
import { profilePart } from "./profile.js";

export interface HtmlOptions {
  readonly sort: Sort;
  readonly unit: TimeUnit | undefined;
}

/** Points of all curves of memory in a page: what keeps it small with many traces and allocators. */
const MEMORY_POINTS = 4800;

function pointsOfACurve(file: ResultFile): number {
  const curves = 2 * file.results.filter(({ memory }) => memory !== undefined).length;
  return Math.max(20, Math.min(240, Math.floor(MEMORY_POINTS / Math.max(1, curves))));
}

interface Page {
  readonly file: ResultFile;
  readonly options: HtmlOptions;
  readonly charts: Charts;
  readonly styleOf: SeriesStyles;
  readonly anchors: ReadonlyMap<string, string>;
}

async function traceSection(page: Page, trace: TraceResult): Promise<Markup> {
  const { file, options, charts, styleOf, anchors } = page;
  const rows = reportRows(file, trace, options.sort);
  const anchor = anchors.get(trace.name) ?? "";
  const several = file.traces.length > 1;
  const latency = await latencyPart(charts, rows, file.harness.clockNs, styleOf);
  const memory = await memoryPart(charts, rows, styleOf, pointsOfACurve(file));
  const parts: Part[] = [
    several && html`<p class="answer">${answerOf(file, trace)}</p>${facts(trace)}`,
    html`<h3 id="${anchor}-results">Results</h3>${resultTable(file, trace, options)}`,
    await ratioFigures(charts, file, trace, options.sort, styleOf),
    latency !== undefined && html`<h3 id="${anchor}-latency">Latency</h3>${latency}`,
    memory !== undefined && html`<h3 id="${anchor}-memory">Memory</h3>${memory}`,
    await profilePart(charts, trace, `${anchor}-holds`),
    await forecastPart(charts, file, trace, styleOf, `${anchor}-warning`),
  ];
  return html`<section aria-labelledby="${anchor}"><h2 id="${anchor}">${trace.name}</h2>${parts}</section>
`;
}

/** The parts of the section of an only trace, for the contents. */
function partsOf(file: ResultFile, trace: TraceResult, anchor: string): (readonly [string, string])[] {
  const results = file.results.filter((result) => result.trace === trace.name && result.route !== "none");
  const has = (figures: "latencyNs" | "memory" | "forecast"): boolean =>
    results.some((result) => result[figures] !== undefined);
  return [
    [`${anchor}-results`, "Results"],
    ...(has("latencyNs") ? [[`${anchor}-latency`, "Latency"] as const] : []),
    ...(has("memory") ? [[`${anchor}-memory`, "Memory"] as const] : []),
    ...(trace.profile === undefined ? [] : [[`${anchor}-holds`, "What the trace holds"] as const]),
    ...(has("forecast") ? [[`${anchor}-warning`, "The early warning"] as const] : []),
  ];
}

function contentsOf({ file, anchors }: Page, warned: boolean): Markup {
  return contents([
    ...(warned ? [["warnings", "To be kept in mind"] as const] : []),
    ...(file.traces.length > 1 ? [["all", "All traces"] as const] : []),
    ...(file.traces.length > 1
      ? file.traces.map(({ name }) => [anchors.get(name) ?? "", name] as const)
      : file.traces.flatMap((trace) => partsOf(file, trace, anchors.get(trace.name) ?? ""))),
    ["how", "How it was measured"],
    ["raw", "All figures"],
  ]);
}

/**
 * A result as one page: the verdict, tables and charts, and the result itself as JSON. It needs no network and runs no script.
 * With many traces each section has what its trace has figures of. A benchmark has a page of its own kind.
 */
export async function htmlReport(file: ResultFile, options: HtmlOptions): Promise<string> {
  if (file.bench !== undefined) return benchPage(file);
  const anchors = new Map(file.traces.map(({ name }, at) => [name, `trace-${at + 1}`]));
  const made: Page = { file, options, charts: new Charts(), styleOf: seriesStyles(file), anchors };
  const [only] = file.traces.length === 1 ? file.traces : [];
  const sections: Markup[] = [];
  const means = await meansPart(made.charts, file, anchors, made.styleOf);
  for (const trace of file.traces) sections.push(await traceSection(made, trace));
  const warnings = warningsPart(file);
  const result = embedded(file);
  const title =
    only === undefined ? `Allocators on ${file.traces.length} traces` : `Allocators on ${only.name}`;
  const answer = only === undefined ? overallAnswer(file) : answerOf(file, only);
  return page(
    title,
    answer,
    html`<header><p class="eyebrow">${file.tool.name}: allocators side by side</p><h1>${title}</h1>
<p class="lead">${answer}</p>${only !== undefined && [tiles(file, only), facts(only)]}${contentsOf(made, warnings !== undefined)}</header>
<main id="main" tabindex="-1">${warnings}
${means !== undefined && html`<section aria-labelledby="all"><h2 id="all">All traces</h2>${means}</section>`}
${sections}${appendix(file, result)}</main>
${result.script}`,
  );
}
