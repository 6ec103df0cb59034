import { html, Markup } from "./markup.js";
import { STYLE } from "./style.js";

/** The frame of the document. An icon that is none keeps a browser from asking a server for one. */
export function page(title: string, description: string, body: Markup): string {
  return html`${new Markup("<!doctype html>")}
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="rustydb-mem">
<meta name="description" content="${description}">
<title>${title}</title>
<link rel="icon" href="data:,">
<style>${new Markup(STYLE)}</style>
</head>
<body>
<a class="skip" href="#main">To the results</a>
${body}</body>
</html>
`.text;
}
