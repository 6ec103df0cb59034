/**
 * The style sheet of the page. All inks are variables, and charts name them: light, dark and paper are three sets of values. The
 * colours of allocators keep apart for the colour-blind as far as nine can; dash and shape tell the rest.
 */

const LIGHT = `
color-scheme:light;
--page:#fbfaf8;--card:#fff;--ink:#1d1f23;--ink-2:#565b66;--rule:#e3e0da;--grid:#e9e6e0;--axis:#a9a69f;
--link:#0b5cad;--focus:#0b5cad;--code:#f2efe9;
--better:#0a6b4a;--worse:#9c4a00;--failed:#b00020;
--band:#e8e2d2;--live:#dfe5ec;--bar:#4a78a8;--bar-2:#8a6fae;--gauge:#dbe6f1;
--s-base:#6b6f78;--s0:#0a63b0;--s1:#c94f00;--s2:#008060;--s3:#b23a82;--s4:#8f6a00;--s5:#6247b5;--s6:#00808f;--s7:#8a3b2a;--s8:#5c7a00;
--level-normal:#6b6f78;--level-warning:#9a7200;--level-high:#c94f00;--level-critical:#c2002f;--level-emergency:#7a0050;`;

const DARK = `
color-scheme:dark;
--page:#15171b;--card:#1c1f25;--ink:#eceae6;--ink-2:#a9aeb8;--rule:#30343c;--grid:#2b2f37;--axis:#666c77;
--link:#7fb8f0;--focus:#9cc9f5;--code:#262a31;
--better:#5fd3a4;--worse:#f0a35e;--failed:#ff7d8c;
--band:#3a3626;--live:#2b323c;--bar:#6fa3d8;--bar-2:#b39ad8;--gauge:#29405a;
--s-base:#a3a8b2;--s0:#5aaef5;--s1:#ff8d4a;--s2:#3ecf9f;--s3:#f08cc4;--s4:#e6bd3c;--s5:#b09cf7;--s6:#45cfdf;--s7:#e0907c;--s8:#b3cc4c;
--level-normal:#a3a8b2;--level-warning:#e6bd3c;--level-high:#ff8d4a;--level-critical:#ff6b81;--level-emergency:#f08cc4;`;

const SCREEN = `
*{box-sizing:border-box}
html{scroll-behavior:smooth;-webkit-text-size-adjust:100%}
body{margin:0 auto;max-width:1180px;padding:0 24px 64px;background:var(--page);color:var(--ink);
font:16px/1.55 ui-sans-serif,system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;overflow-wrap:break-word}
h1,h2,h3,h4{line-height:1.25;margin:0;text-wrap:balance}
h1{font-size:1.05rem;font-weight:600;color:var(--ink-2)}
h2{font-size:1.55rem;letter-spacing:-.01em;margin:64px 0 12px;padding-top:20px;border-top:2px solid var(--ink)}
h3{font-size:1.15rem;margin:40px 0 12px}
h4{font-size:1rem;margin:28px 0 8px}
p{margin:0 0 12px;max-width:74ch}
a{color:var(--link)}
:focus-visible{outline:3px solid var(--focus);outline-offset:2px;border-radius:3px}
main:focus{outline:none}
.skip{position:absolute;left:-999px;top:8px;background:var(--card);padding:8px 14px;border-radius:6px;z-index:1}
.skip:focus{left:16px}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
header{padding-top:56px}
.eyebrow{margin:0 0 4px;font-size:.8rem;letter-spacing:.06em;text-transform:uppercase;color:var(--ink-2)}
.lead{font-size:clamp(1.45rem,1rem + 2.1vw,2.2rem);line-height:1.25;letter-spacing:-.015em;font-weight:650;max-width:32ch;max-width:min(100%,40ch);margin:14px 0 26px;text-wrap:pretty}
.leads{list-style:none;margin:18px 0 28px;padding:0;display:grid;gap:7px 22px;font-size:1.15rem;line-height:1.4;font-weight:550}
.leads b{display:inline-block;min-width:7.2em;font-weight:500;color:var(--ink-2)}
.answer{font-size:1.15rem;font-weight:600}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,150px),1fr));gap:12px;margin:0 0 18px}
.tiles div{background:var(--card);border:1px solid var(--rule);border-radius:10px;padding:12px 16px;display:flex;flex-direction:column-reverse;justify-content:flex-end}
.tiles dd{margin:0;font-size:1.7rem;font-weight:650;letter-spacing:-.02em;font-variant-numeric:tabular-nums;line-height:1.2}
.tiles dt{font-size:.85rem;color:var(--ink-2)}
.facts{list-style:none;margin:0 0 18px;padding:0;display:flex;flex-wrap:wrap;gap:4px 0;color:var(--ink-2);font-size:.92rem}
.facts li:not(:last-child)::after{content:"·";margin:0 9px}
nav ul{list-style:none;margin:0;padding:14px 0 0;display:flex;flex-wrap:wrap;gap:6px 22px;border-top:1px solid var(--rule);font-size:.95rem}
.warnings{margin-top:28px;padding:14px 20px 6px;border:1px solid var(--rule);border-left:4px solid var(--worse);border-radius:8px;background:var(--card)}
.warnings h2{font-size:1rem;margin:0 0 6px;padding:0;border:0;letter-spacing:0}
.warnings ul{margin:0 0 10px;padding-left:20px;font-size:.92rem}
.scroll{overflow-x:auto;max-width:100%;position:relative}
table{border-collapse:collapse;width:100%;font-size:.9rem;font-variant-numeric:tabular-nums;background:var(--card)}
section>.scroll{border:1px solid var(--rule);border-radius:10px;margin:0 0 20px}
th,td{padding:7px 10px;border-bottom:1px solid var(--rule);white-space:nowrap;vertical-align:top}
tbody tr:last-child>*{border-bottom:0}
thead th{font-weight:500;color:var(--ink-2);vertical-align:bottom}
tbody th{font-weight:600}
tbody tr:hover>*{background:color-mix(in srgb,var(--code) 60%,transparent)}
.l{text-align:left}.r{text-align:right}
.better{color:var(--better)}.worse{color:var(--worse)}.failed{color:var(--failed);font-weight:600}
:is(td,th).better::before{content:"▾ ";content:"▾ "/""}
:is(td,th).worse::before{content:"▴ ";content:"▴ "/""}
:is(td,th).failed::before{content:"✗ ";content:"✗ "/""}
td code,th code{white-space:normal;overflow-wrap:anywhere;display:inline-block;max-width:52ch;min-width:22ch;font-weight:500}
td i{font-style:normal}
.pinned td i,.claims td i{display:block;font-size:.92em;color:var(--ink-2)}
.pinned tbody th,.pinned thead th:first-child{position:sticky;left:0;background:var(--card);z-index:1}
th .swatch{display:block;margin:0 0 3px auto}
.claims th,.claims td{white-space:normal}
.claims td:nth-child(2){white-space:nowrap}
.claims td{min-width:9em}
.claims tbody th{font-weight:400;text-align:left;width:56%}
.claims thead th{text-align:left}
.claims .area th{background:var(--code);font-weight:600;padding-top:10px}
.claims .area span{float:right;font-weight:400;color:var(--ink-2)}
.claim{display:block;font-weight:600}
.how{display:block;color:var(--ink-2);font-size:.94em;max-width:66ch}
.claims th code{min-width:0;max-width:none;font-size:.84em;color:var(--ink-2)}
.verdict{font-weight:600;white-space:nowrap}
.verdict.open{color:var(--s4)}.verdict.absent{color:var(--ink-2)}
.gauge{display:inline-block;min-width:84px;padding-bottom:5px;background:linear-gradient(to left,var(--bar) var(--share),var(--rule) var(--share)) bottom/100% 3px no-repeat}
.figures{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,440px),1fr));gap:20px;margin:0 0 20px}
figure{margin:0;min-width:0;background:var(--card);border:1px solid var(--rule);border-radius:10px;padding:16px 16px 10px}
figure.wide{margin-bottom:20px}
figcaption strong{display:block;font-size:1rem}
figcaption span{display:block;font-size:.88rem;color:var(--ink-2);margin:2px 0 10px}
.legend{list-style:none;display:flex;flex-wrap:wrap;gap:2px 16px;margin:0 0 8px;padding:0;font-size:.82rem}
.legend li{display:inline-flex;align-items:center}
.swatch{margin-right:6px;flex:none}
.chart svg{display:block;width:100%;height:auto}
.chart+.scroll{margin-top:14px}
.half .chart svg{max-width:530px;min-width:320px}
.wide .chart svg{min-width:660px}
details{margin:6px 0}
summary{cursor:pointer;color:var(--link);font-size:.88rem;padding:2px 0}
details table{font-size:.82rem}
details .scroll{max-height:420px;overflow:auto;border:1px solid var(--rule);border-radius:8px;margin-top:6px}
details th,details td{padding:4px 10px}
.stack{margin:2px 0}
.stack ol{margin:4px 0 0;padding-left:22px;font-weight:400}
.stack summary{white-space:normal;overflow-wrap:anywhere;max-width:60ch;font-weight:400}
.note{font-size:.88rem;color:var(--ink-2)}
code,pre{font:.86em/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
pre{background:var(--code);border-radius:8px;padding:12px 14px;overflow:auto;max-height:420px;margin:0 0 16px}
.pairs{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,330px),1fr));gap:6px 28px;margin:0 0 12px;font-size:.9rem}
.pairs div{border-bottom:1px solid var(--rule);padding-bottom:5px;min-width:0}
.pairs dt{color:var(--ink-2);font-size:.8rem}
.pairs dd{margin:0;overflow-wrap:anywhere}
.plain{list-style:none;padding:0;margin:0 0 12px;font-size:.9rem}
.plain li{overflow-wrap:anywhere}
@media (max-width:600px){
.claims,.claims tbody,.claims tr,.claims th,.claims td{display:block}
.claims thead{position:absolute;clip-path:inset(50%);width:1px;height:1px;overflow:hidden}
.claims tbody th{width:auto;border:0;padding-bottom:2px}
.claims tbody td{border:0;padding:1px 10px}
.claims td[data-of]::before{content:attr(data-of) " ";display:inline-block;min-width:5.4em;color:var(--ink-2)}
.claims td i{display:inline}
.claims tr:not(.area){border-bottom:1px solid var(--rule);padding-bottom:8px}
.leads b{display:block}
body{padding:0 14px 48px}header{padding-top:28px}figure{padding:12px 10px 6px}h2{margin-top:44px}}
@media (prefers-reduced-motion:reduce){html{scroll-behavior:auto}}`;

// On paper nothing opens and nothing scrolls: figures that are folded away are left out, and what is wide becomes small.
const PAPER = `
@page{margin:14mm}
body{max-width:none;padding:0;font-size:10pt;background:#fff}
header{padding-top:0}
.skip,nav,details:not([open]){display:none}
.scroll,pre{overflow:visible;max-height:none}
pre{white-space:pre-wrap;overflow-wrap:anywhere}
table{font-size:7.5pt}
th,td{padding:2px 4px;white-space:normal}
thead{display:table-header-group}
tr,.half,.chart,.tiles,.legend,figcaption{break-inside:avoid}
.pinned tbody th,.pinned thead th:first-child{position:static}
h2,h3,h4{break-after:avoid}
h2{margin-top:24pt}
.half .chart svg,.wide .chart svg{min-width:0;max-width:100%}
.figures{grid-template-columns:1fr 1fr;gap:10px}
a{color:inherit;text-decoration:none}`;

export const STYLE = `:root{${LIGHT}}
@media screen and (prefers-color-scheme:dark){:root{${DARK}}}
${SCREEN}
@media print{${PAPER}}
`;
