import type { ResultFile } from "../../measure/measurement.js";
import { formatBytes, formatDuration, formatPercent } from "../../units.js";
import { csvReport } from "../csv.js";
import { librariesOf, reproduceLine } from "../details.js";
import { type Embedded, rounded } from "./embed.js";
import { html, type Markup, type Part } from "./markup.js";

type Facts = readonly (readonly [string, string])[];

const list = (facts: Facts): Markup =>
  html`<dl class="pairs">${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;

const or = (value: string | number | null | undefined): string =>
  value === null || value === undefined ? "unknown" : String(value);

const shareOf = (share: number | null): string => (share === null ? "unknown" : formatPercent(share));

function host({ host: it }: ResultFile): Facts {
  return [
    ["processor", `${it.cpuModel}, ${it.cores} CPU${it.cores === 1 ? "" : "s"}, ${it.architecture}`],
    ["virtual machine", it.virtualMachine ? "yes" : "no"],
    ["kernel", `Linux ${it.kernel}`],
    ["C library", it.libc === null ? "unknown" : `glibc ${it.libc}`],
    ["Node.js", it.node],
    ["memory", `${formatBytes(it.memoryBytes)}, ${formatBytes(it.availableMemoryBytes)} available`],
    ["limit of the cgroup", it.cgroupLimitBytes === null ? "none" : formatBytes(it.cgroupLimitBytes)],
    ["transparent huge pages", or(it.transparentHugePages)],
    ["overcommit", or(it.overcommit)],
    ["address randomisation", or(it.aslr)],
    ["CPU governor", or(it.governor)],
    ["load before", it.loadAverage.map((load) => load.toFixed(2)).join(", ")],
    [
      "pressure before (CPU, memory, I/O)",
      [it.pressure.cpu, it.pressure.memory, it.pressure.io].map(shareOf).join(", "),
    ],
    ["stolen by the hypervisor", shareOf(it.stealShare)],
  ];
}

function options({ options: it, harness }: ResultFile): Facts {
  // Of claims alone there are none.
  if (it.allocators.length === 0) return [["seed", String(it.seed)]];
  return [
    ["allocators", it.allocators.join(", ")],
    ["baseline", it.baseline],
    ["timed rounds", `${it.rounds}, after ${it.warmup} that do not count`],
    [
      "until",
      it.untilWidth === null
        ? "the rounds are done"
        : `intervals of ${formatPercent(it.untilWidth)}, ${it.maxRounds} rounds at the most`,
    ],
    ["threads", it.threads === 0 ? "those of the trace" : String(it.threads)],
    ["written of a new block", it.touch],
    ["speed, order", `${it.speed}, ${it.order}`],
    ["seed", String(it.seed)],
    ["one reading of the clock", harness.clockNs === null ? "unknown" : formatDuration(harness.clockNs)],
    ...(it.idleMs > 0 ? [["idling", formatDuration(it.idleMs * 1e6)] as const] : []),
  ];
}

/** A line a trace; folded away where they are many. */
function traces(file: ResultFile): Part {
  const { length } = file.traces;
  if (length === 0) return undefined;
  const facts = file.traces.map(({ name, sha256 }) => {
    const loopNs = file.harness.loopNsPerEvent[name];
    const loop = loopNs === undefined ? "" : `; the loop alone ${loopNs.toFixed(2)} ns an event`;
    return [name, `${sha256 === "" ? "made as it was read" : `SHA-256 ${sha256}`}${loop}`] as const;
  });
  const shown = list(facts);
  return html`<h3>${length === 1 ? "Trace" : "Traces"}</h3>${length > TRACES_SHOWN ? html`<details><summary>All ${length}</summary>${shown}</details>` : shown}`;
}

const TRACES_SHOWN = 6;

function configurations(file: ResultFile): Part {
  const all = new Map(
    file.results.flatMap(({ allocator, config }) =>
      config === undefined ? [] : [[allocator, config] as const],
    ),
  );
  return [...all].map(
    ([allocator, { path, text }]) =>
      html`<details><summary>Configuration of ${allocator}: ${path}</summary><pre tabindex="0">${text}</pre></details>`,
  );
}

/** Where it was measured, with what, how to get it again, and every figure. */
export function appendix(file: ResultFile, { shortened }: Embedded): Markup {
  const libraries = librariesOf(file);
  return html`<section aria-labelledby="how"><h2 id="how">How it was measured</h2>
<p class="note">Time: warm passes without the loop’s own cost (net), median of the ratios of rounds with its 95 % interval; ~ is no difference that could be told. Cold: the first pass over fresh memory. Memory: the allocator’s own, without the harness; fragmentation is memory over live bytes − 1 at the peak.</p>
<h3>To measure it again</h3><pre tabindex="0">${reproduceLine(file)}</pre>
<h3>Machine</h3>${list(host(file))}
${libraries.length > 0 && html`<h3>Libraries</h3><ul class="plain">${libraries.map((line) => html`<li>${line}</li>`)}</ul>`}
<h3>Options</h3>${list(options(file))}${configurations(file)}
${traces(file)}
</section>
<section aria-labelledby="raw"><h2 id="raw">All figures</h2>
${file.results.length > 0 && html`<details><summary>A row for each allocator, as CSV</summary><pre tabindex="0">${csvReport(rounded(file))}</pre></details>`}
<p class="note">The whole result is in this page as JSON: <code>document.getElementById("result").textContent</code>. ${shortened}</p>
<p class="note">${file.tool.name} ${file.tool.version}, ${file.date}</p>
</section>
`;
}
