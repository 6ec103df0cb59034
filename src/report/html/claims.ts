import type { ResultFile } from "../../measure/measurement.js";
import { type Claim, type ClaimVerdict, VERDICTS } from "../../measure/measurement-bench.js";
import { commandOf, formatFinding } from "../bench.js";
import { html, type Markup, type Part } from "./markup.js";

// Colour alone tells nothing: a sign goes with it.
const LOOKS: Readonly<Record<ClaimVerdict, { readonly sign: string; readonly tone: string }>> = {
  met: { sign: "✓", tone: "better" },
  "not met": { sign: "✗", tone: "worse" },
  open: { sign: "◐", tone: "open" },
  "not measured": { sign: "–", tone: "absent" },
};

const COLUMNS = ["claim", "verdict", "target", "measured"] as const;

function verdict(of: ClaimVerdict): Markup {
  const { sign, tone } = LOOKS[of];
  return html`<span class="verdict ${tone}"><span aria-hidden="true">${sign}</span> ${of}</span>`;
}

/** `47.4 ns [40.4, 54.7]`, the interval below. */
function measured({ value, unit }: Claim): Part {
  if (value === null) return html`<span class="note">–</span>`;
  const [, middle, ends] = /^(.*?)(?: (\[.*\]))?$/.exec(formatFinding(value, unit)) ?? [];
  return html`<b>${middle}</b>${ends !== undefined && html` <i>${ends}</i>`}`;
}

/** Roles are said again, since a narrow page makes blocks of the rows, and a block has none. */
function row(claim: Claim): Markup {
  const more = claim.protocol === "–" ? [] : [claim.protocol];
  const about = [...more, ...(claim.note === undefined ? [] : [claim.note])].join("; ");
  return html`<tr role="row"><th scope="row" role="rowheader"><span class="claim">${claim.claim}</span><span class="how">${about}</span><code>${commandOf(claim)}</code></th><td role="cell">${verdict(claim.verdict)}</td><td role="cell" data-of="target">${claim.target}</td><td role="cell" data-of="measured">${measured(claim)}</td></tr>`;
}

function area(name: string, claims: readonly Claim[]): Markup {
  const met = claims.filter((each) => each.verdict === "met").length;
  return html`<tbody role="rowgroup"><tr role="row" class="area"><th role="rowheader" scope="rowgroup" colspan="${COLUMNS.length}">${name} <span>${met} of ${claims.length} met</span></th></tr>${claims.map(row)}</tbody>`;
}

/** The claims by area: verdict, target, what was measured, how, and the command that shows more of it. */
export function claimsPart(file: ResultFile): Part {
  const claims = file.bench?.claims ?? [];
  if (claims.length === 0) return undefined;
  const areas = new Map<string, Claim[]>();
  for (const claim of claims) areas.set(claim.area, [...(areas.get(claim.area) ?? []), claim]);
  const counts = VERDICTS.map((each) => [each, claims.filter((one) => one.verdict === each).length] as const);
  return html`<section aria-labelledby="claims"><h2 id="claims">Claims of the design</h2>
<p class="note">Met: the 95 % interval lies within the target, or beyond its better end. Open: it reaches over an end.</p>
<dl class="tiles" aria-label="Verdicts">${counts.map(([each, count]) => html`<div><dt>${verdict(each)}</dt><dd>${count}</dd></div>`)}</dl>
<div class="scroll" tabindex="0" role="region" aria-label="Claims"><table class="claims" role="table"><thead role="rowgroup"><tr role="row">${COLUMNS.map((each) => html`<th scope="col" role="columnheader">${each}</th>`)}</tr></thead>${[...areas].map(([name, all]) => area(name, all))}</table></div>
</section>
`;
}
