import type { PhaseLevel, ThreadPhases } from "../native.js";
import type { InspectedSearch } from "../trace/event.js";
import { formatBytes, formatCount } from "../units.js";
import {
  type InspectionStyle,
  indented,
  plural,
  QUANTILE_ALIGN,
  QUANTILE_TITLES,
  quantiles,
  type Row,
  section,
  share,
} from "./section.js";

const THREADS_SHOWN = 10;

/** What looks like transactions, for a person: what an arena could hold, why that is believed, and what speaks against it. */
export function transactionSearch(search: InspectedSearch, style: InspectionStyle): string[] {
  const { found, births, bytes } = search;
  const title = style.chalk.bold("Transactions that the lives of blocks show");
  const caution = indented("Evidence from this trace, not a proof for the program.", style);
  if (found.phases === 0) {
    const nothing =
      "Nothing looks like transactions: no thread has phases whose blocks are born together and die together, and that " +
      "stay the same when longer lives are counted in.";
    return [[title, indented(nothing, style), caution].join("\n"), ...evidence(search, style)];
  }
  const answer =
    `An arena for each phase could hold ${share(found.heldBlocks, births)} of the blocks and ` +
    `${share(found.heldBytes, bytes)} of the bytes: ${plural(found.phases, "phase")} in which ` +
    `${plural(found.heldBlocks, "block")} are born and die, and between which only blocks are alive that live long.`;
  const sizes = section(
    "A phase",
    [
      QUANTILE_TITLES,
      quantiles("blocks it holds", found.blocks, formatCount),
      quantiles("bytes of these", found.bytes, formatBytes),
      quantiles("block events", found.events, formatCount),
    ],
    QUANTILE_ALIGN,
    style,
  );
  return [
    [title, indented(answer, style), caution].join("\n"),
    sizes,
    threads(search, style),
    ...evidence(search, style),
    contradictions(search, style),
  ];
}

const chosenOf = (thread: ThreadPhases): PhaseLevel | undefined =>
  thread.chosen === null ? undefined : thread.levels[thread.chosen];

function threads(search: InspectedSearch, style: InspectionStyle): string {
  const busiest = [...search.threads].sort((a, b) => b.births - a.births).slice(0, THREADS_SHOWN);
  const rows: Row[] = [
    ["thread", "blocks", "phases", "held", "short: up to", "stability"],
    ...busiest.map((thread): Row => {
      const level = chosenOf(thread);
      const start = [String(thread.thread), formatCount(thread.births)];
      if (level === undefined) return [...start, "none", "–", "–", "–"];
      return [
        ...start,
        formatCount(level.phases),
        share(level.blocks, thread.births),
        `${formatCount(level.longestLifeEvents)} events`,
        level.stability === null ? "–" : level.stability.toFixed(2),
      ];
    }),
  ];
  return section("Phases by thread", rows, ["right", "right", "right", "right", "right", "right"], style);
}

/** Every level of the busiest thread: where phases stay the same from one to the next, something holds them together. */
function evidence(search: InspectedSearch, style: InspectionStyle): string[] {
  const [thread] = [...search.threads].sort((a, b) => b.births - a.births);
  if (thread === undefined || thread.births === 0) return [];
  const rows: Row[] = [
    ["short: up to", "phases", "held", "blocks a phase", "stability", ""],
    ...thread.levels
      .map(
        (level, index): Row => [
          `${formatCount(level.longestLifeEvents)} events`,
          formatCount(level.phases),
          share(level.blocks, thread.births),
          level.typicalBlocks < 100 ? level.typicalBlocks.toFixed(1) : formatCount(level.typicalBlocks),
          level.stability === null ? "–" : level.stability.toFixed(2),
          index === thread.chosen ? "← chosen" : "",
        ],
      )
      .filter((_, index) => (thread.levels[index]?.phases ?? 0) > 0),
  ];
  const how =
    "Lives of at most so many block events of the thread count as short, and a phase lies between two moments at which no " +
    "block with a short life is alive. Chosen is the level that holds most while its phases stay the same (stability near 1) " +
    "when lives of twice the length count as short.";
  const table = section(
    `How the boundaries were recognised, on thread ${thread.thread}`,
    rows,
    ["right", "right", "right", "right", "right", "left"],
    style,
  );
  return [`${table}\n${indented(how, style)}`];
}

function contradictions(search: InspectedSearch, style: InspectionStyle): string {
  const { found, births } = search;
  const without = search.threads.filter((thread) => thread.chosen === null && thread.births > 0);
  const facts = [
    `${share(found.survivors, births)} of the blocks are born in a phase and live longer than the phases' blocks do ` +
      `(${plural(found.survivors, "block")}): no arena could take them`,
    `${share(births - found.heldBlocks - found.survivors, births)} are born outside of all phases`,
    `${share(search.handedOver, births)} are freed or moved by another thread, which says nothing of where a phase ends`,
  ];
  if (without.length > 0) {
    const blocks = without.reduce((sum, thread) => sum + thread.births, 0);
    facts.push(
      `${plural(without.length, "thread")} with ${share(blocks, births)} of the blocks show no phases`,
    );
  }
  if (found.blocks.max > 10 * found.blocks.p99) {
    facts.push(
      `the largest phase has ${formatCount(found.blocks.max)} blocks, ${formatCount(found.blocks.max / found.blocks.p99)} times ` +
        "the p99: perhaps several that a straggler ties together",
    );
  }
  return [style.chalk.bold("What speaks against it"), ...facts.map((fact) => indented(fact, style))].join(
    "\n",
  );
}
