/** Where something stands in a JSON text: JSON.parse tells what is wrong, but not always where. */

export interface JsonFault {
  /** Of the character at which the text is no JSON any more. */
  readonly offset: number;
  readonly what: string;
}

type Expected = "value" | "value or ]" | "key" | "key or }" | ":" | "comma" | "end";

const TOKEN =
  /([{}[\],:])|"(?:[^"\\\p{Cc}]|[\x7f-\x9f]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/uy;
const BLANK = /[ \t\r\n]*/y;

const WORDS: Readonly<Record<Expected, string>> = {
  value: "a value",
  "value or ]": "a value or ]",
  key: "a key in double quotes",
  "key or }": "a key in double quotes or }",
  ":": "a colon",
  comma: "a comma or the closing bracket",
  end: "the end",
};

function skipBlank(text: string, offset: number): number {
  BLANK.lastIndex = offset;
  BLANK.test(text);
  return BLANK.lastIndex;
}

/** The token at `offset`; undefined where there is none. */
function tokenAt(text: string, offset: number): string | undefined {
  TOKEN.lastIndex = offset;
  return TOKEN.exec(text)?.[0];
}

const isString = (token: string): boolean => token.startsWith('"');
const isPunctuation = (token: string): boolean => token.length === 1 && "{}[],:".includes(token);

/** What comes after a token that was expected; undefined where it was not. */
function after(token: string, expected: Expected, open: string[]): Expected | undefined {
  const closed = (): Expected => (open.length === 0 ? "end" : "comma");
  switch (expected) {
    case "value":
    case "value or ]":
      if (token === "{" || token === "[") {
        open.push(token);
        return token === "{" ? "key or }" : "value or ]";
      }
      if (token === "]" && expected === "value or ]") {
        open.pop();
        return closed();
      }
      return isPunctuation(token) ? undefined : closed();
    case "key":
    case "key or }":
      if (token === "}" && expected === "key or }") {
        open.pop();
        return closed();
      }
      return isString(token) ? ":" : undefined;
    case ":":
      return token === ":" ? "value" : undefined;
    case "comma": {
      const inside = open.at(-1);
      if (token === ",") return inside === "{" ? "key" : "value";
      if (token !== (inside === "{" ? "}" : "]")) return undefined;
      open.pop();
      return closed();
    }
    case "end":
      return undefined;
  }
}

/** The first place at which a text is no JSON; undefined where it is JSON throughout. */
export function jsonFault(text: string): JsonFault | undefined {
  const open: string[] = [];
  let expected: Expected = "value";
  for (let offset = 0; ; ) {
    offset = skipBlank(text, offset);
    if (offset >= text.length) {
      return expected === "end"
        ? undefined
        : { offset, what: `it ends where ${WORDS[expected]} must follow` };
    }
    const token = tokenAt(text, offset);
    const next: Expected | undefined = token === undefined ? undefined : after(token, expected, open);
    if (token === undefined || next === undefined) {
      return { offset, what: `${WORDS[expected]} must stand here` };
    }
    offset += token.length;
    expected = next;
  }
}

/** Past the value that begins at `offset`, of a text that is JSON. */
function skipValue(text: string, offset: number): number {
  let depth = 0;
  let at = offset;
  do {
    at = skipBlank(text, at);
    const token = tokenAt(text, at) ?? "";
    if (token === "{" || token === "[") depth += 1;
    else if (token === "}" || token === "]") depth -= 1;
    at += Math.max(1, token.length);
  } while (depth > 0 && at < text.length);
  return at;
}

/**
 * Where the value at a path begins, in a text that is JSON; the innermost that holds it where it is missing. Of a key
 * that is there twice the last counts, as it does for JSON.parse.
 */
export function jsonOffset(text: string, path: readonly PropertyKey[]): number {
  let offset = skipBlank(text, 0);
  for (const step of path) {
    const found = memberAt(text, offset, step);
    if (found === undefined) return offset;
    offset = found;
  }
  return offset;
}

function memberAt(text: string, offset: number, step: PropertyKey): number | undefined {
  const inObject = text[offset] === "{";
  if (!inObject && text[offset] !== "[") return undefined;
  let found: number | undefined;
  let at = skipBlank(text, offset + 1);
  for (let index = 0; at < text.length && text[at] !== "}" && text[at] !== "]"; index += 1) {
    let name: PropertyKey = index;
    if (inObject) {
      const token = tokenAt(text, at) ?? "";
      name = JSON.parse(token) as string;
      at = skipBlank(text, skipBlank(text, at + token.length) + 1);
    }
    if (name === step) found = at;
    at = skipBlank(text, skipValue(text, at));
    if (text[at] === ",") at = skipBlank(text, at + 1);
  }
  return found;
}

/** Both from 1. */
export function lineAndColumn(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset);
  const line = before.split("\n").length;
  return { line, column: offset - before.lastIndexOf("\n") };
}
