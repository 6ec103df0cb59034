import type { ResultFile } from "../../measure/measurement.js";
import { formatBytes, formatCount } from "../../units.js";
import {
  type BenchTable,
  benchAnswer,
  benchSentences,
  changeTables,
  figureTable,
  rowsOfSuite,
  type Suite,
  type SuiteRows,
  shortName,
  suiteSentence,
  tablesOfSuite,
} from "../bench.js";
import { appendix } from "./appendix.js";
import { Charts } from "./chart.js";
import { claimsPart } from "./claims.js";
import { embedded } from "./embed.js";
import { figure, type TableSpec, table } from "./figure.js";
import { html, type Markup, type Part } from "./markup.js";
import { contents, warningsPart } from "./overview.js";
import { page } from "./page.js";
import { legend, type SeriesStyles, seriesStyles, swatch } from "./palette.js";
import { suiteChart } from "./suite-chart.js";

/** @param headOf how the name of an allocator stands in the head of its column */
function benchTable(
  { title, columns, rows }: BenchTable,
  headOf: (allocator: string) => string | Markup = (allocator) => allocator,
): TableSpec {
  const [, ...names] = columns;
  return {
    label: title,
    pinned: true,
    columns: [html`<span class="hidden">name</span>`, ...names.map(headOf)],
    align: columns.map((_, at) => (at === 0 ? "left" : "right")),
    rows: rows.map(([name, ...cells]) => [name?.text ?? "", ...cells]),
  };
}

/** What was replayed, a row a case. */
function casesPart(file: ResultFile, suite: Suite): Part {
  const traces = file.traces.filter(({ name }) => suite.cases.includes(name));
  const spec: TableSpec = {
    label: `Cases of ${suite.name}`,
    columns: ["case", "events", "threads", "transactions", "live at the peak"],
    align: ["left", "right", "right", "right", "right"],
    rows: traces.map(({ name, measuredEvents, threads, transactions, peakLiveBytes }) => [
      shortName(suite, name),
      formatCount(measuredEvents),
      String(threads),
      formatCount(transactions),
      formatBytes(peakLiveBytes),
    ]),
  };
  return html`<details><summary>What the cases of ${suite.name} replay</summary>${table(spec)}</details>`;
}

function timeSummary(file: ResultFile, rows: SuiteRows): string {
  const best = suiteSentence(file, rows.suite);
  const over = best === undefined ? "" : `Over all cases ${best}. `;
  return `${over}Left of 1 is faster than ${rows.baseline}; a hollow dot is no difference that could be told.`;
}

async function suiteSection(
  file: ResultFile,
  suite: Suite,
  charts: Charts,
  styleOf: SeriesStyles,
): Promise<Markup> {
  const rows = rowsOfSuite(file, suite);
  const { times, memory } = tablesOfSuite(rows, Number.POSITIVE_INFINITY);
  const title = `Time against ${rows.baseline}`;
  const summary = timeSummary(file, rows);
  const chart = await suiteChart(charts, rows, styleOf, `${title}. ${summary}`);
  const tables = times.map((each) =>
    benchTable(each, (name) =>
      rows.allocators.includes(name) ? html`${swatch(styleOf(name))}${name}` : name,
    ),
  );
  const [first] = tables;
  const time =
    chart === undefined || first === undefined
      ? tables.map((each) => table(each))
      : figure({
          title,
          summary,
          chart,
          wide: true,
          open: true,
          legend: legend(rows.allocators.map(styleOf)),
          data: first,
        });
  const weighed =
    memory !== undefined &&
    html`<h3>Memory at the peak against ${rows.baseline}</h3>${table(benchTable(memory))}`;
  return html`<section aria-labelledby="${anchorOf(suite)}"><h2 id="${anchorOf(suite)}">${suite.name}</h2><p class="note">${suite.title}</p>${time}${weighed}${casesPart(file, suite)}</section>
`;
}

/** Names come out of a file, and may be anything. */
const anchorOf = ({ name }: Suite): string => `suite-${name.replace(/[^\w-]/g, "-")}`;

function changesPart(file: ResultFile): Part {
  const compared = file.bench?.compared;
  if (compared === undefined) return undefined;
  const tables = changeTables(file, Number.POSITIVE_INFINITY).map((each) => table(benchTable(each)));
  const [answer] = benchSentences(file).filter((each) => / since |^since /.test(each));
  return html`<section aria-labelledby="changed"><h2 id="changed">What has changed</h2><p class="answer">${capital(answer ?? "")}.</p>
<p class="note">Since ${compared.path} of ${compared.date}: the ratio of the ratios, each to the baseline of its own run. Below 1 it is faster than it was.</p>${tables}</section>
`;
}

function figuresPart(file: ResultFile): Part {
  const all = figureTable(file);
  if (all === undefined) return undefined;
  return html`<section aria-labelledby="figures"><h2 id="figures">pressure</h2><p class="note">${all.title.replace(/^pressure: /, "")}</p>${table(benchTable(all))}</section>
`;
}

const capital = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`;

/** The verdict: a sentence as it is, several as a list. */
function lead(file: ResultFile): Part {
  const sentences = benchSentences(file);
  if (sentences.length === 0) return html`<p class="lead">Nothing came out that could be compared.</p>`;
  if (sentences.length === 1) return html`<p class="lead">${capital(benchAnswer(file))}</p>`;
  return html`<ul class="leads">${sentences.map((sentence) => {
    const [, name, rest] = /^([\w-]+): (.*)$/.exec(sentence) ?? [];
    return name === undefined || rest === undefined
      ? html`<li>${capital(sentence)}.</li>`
      : html`<li><b>${name}</b> ${rest}.</li>`;
  })}</ul>`;
}

function titleOf({ traces, bench }: ResultFile): string {
  const claims = bench?.claims.length ?? 0;
  const parts = [
    ...(traces.length > 0 ? [`${traces.length} benchmark${traces.length === 1 ? "" : "s"}`] : []),
    ...((bench?.figures.length ?? 0) > 0 ? ["the forecaster’s cost"] : []),
    ...(claims > 0 ? [`${claims} claim${claims === 1 ? "" : "s"}`] : []),
  ];
  return capital(parts.length === 0 ? "benchmarks" : parts.join(", "));
}

/** A result of `bench` as one page: a chart and tables for each suite, what has changed, the claims, and how it was measured. */
export async function benchPage(file: ResultFile): Promise<string> {
  const charts = new Charts();
  const styleOf = seriesStyles(file);
  const suites = file.bench?.suites ?? [];
  const sections: Markup[] = [];
  for (const suite of suites) sections.push(await suiteSection(file, suite, charts, styleOf));
  const warnings = warningsPart(file);
  const [changes, figures, claims] = [changesPart(file), figuresPart(file), claimsPart(file)];
  const result = embedded(file);
  const title = titleOf(file);
  const links: (readonly [string, string] | false)[] = [
    warnings !== undefined && ["warnings", "To be kept in mind"],
    ...suites.map((suite) => [anchorOf(suite), suite.name] as const),
    figures !== undefined && ["figures", "pressure"],
    changes !== undefined && ["changed", "What has changed"],
    claims !== undefined && ["claims", "Claims of the design"],
    ["how", "How it was measured"],
    ["raw", "All figures"],
  ];
  return page(
    title,
    benchAnswer(file),
    html`<header><p class="eyebrow">${file.tool.name}: benchmarks</p><h1>${title}</h1>
${lead(file)}${contents(links.filter((each) => each !== false))}</header>
<main id="main" tabindex="-1">${warnings}
${sections}${figures}${changes}${claims}${appendix(file, result)}</main>
${result.script}`,
  );
}
