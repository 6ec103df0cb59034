import { describe, expect, it } from "vitest";
import { UserError } from "../../src/errors.js";
import type { CallTable } from "../../src/native.js";
import { parseKindMap, siteKinds } from "../../src/trace/kinds.js";

function errorOf(text: string): UserError {
  try {
    parseKindMap(text, "map.yaml");
  } catch (error) {
    if (error instanceof UserError) return error;
  }
  throw new Error("no UserError was thrown");
}

/** main → query → (row | page), and one frame of which only the module is known. */
const table: CallTable = {
  modules: ["", "/usr/bin/db"],
  frames: ["main", "query(int)", "row", "page", ""].map((symbol) => ({ module: 1, offset: 255, symbol })),
  nodes: Uint32Array.from([0, 0, 0, 0, 1, 1, 2, 2, 2, 3, 1, 4]),
};

describe("a map of kinds", () => {
  it("gives each call site the kind of the first rule that matches one of its frames", () => {
    const map = parseKindMap(
      'rules: [{kind: a, frames: "r?w"}, {kind: b, frames: ["query(*)", x]}, {kind: c, frames: "db+0xff"}, {kind: d, frames: y}]',
      "map.yaml",
    );
    const { filter, unmatched } = siteKinds(map, table);
    expect([...filter.ofSite].map((kind) => filter.kinds[kind])).toEqual(["", "", "b", "a", "b", "c"]);
    expect(unmatched).toEqual(["d"]);
  });

  it("reads stacks of any depth", () => {
    const depth = 300_000;
    // Each stack is called from the one before it, and calls main; the first is a row.
    const nodes = Uint32Array.from({ length: 2 * depth }, (_, at) =>
      at % 2 === 0 ? Math.max(0, at / 2 - 1) : 0,
    );
    nodes[3] = 2;
    const map = parseKindMap("rules: [{kind: a, frames: row}]", "map.yaml");
    const { filter } = siteKinds(map, { ...table, nodes });
    expect([filter.ofSite[0], filter.ofSite[1], filter.ofSite[depth - 1]]).toEqual([0, 1, 1]);
  });

  it("takes everything but * and ? for itself", () => {
    const map = parseKindMap(
      'rules: [{kind: a, frames: "query(int)"}, {kind: b, frames: "m.in"}]',
      "map.yaml",
    );
    const { filter } = siteKinds(map, table);
    expect([...filter.ofSite]).toEqual([0, 0, 1, 1, 1, 0]);
  });

  it.each([
    ["rules:\n  - kind: row\n", /map\.yaml:2:5: rules\.0\.frames: /],
    ["rules:\n  - kind: row\n    frames: a\n    frame: b\n", /map\.yaml:2:5: rules\.0: .*frame/],
    ["rules:\n  - frames: a\n    kind: unknown\n", /map\.yaml:3:11: rules\.0\.kind: unknown is the kind/],
    ["rules: []\n", /map\.yaml:1:8: rules: /],
    ["", /map\.yaml:1:1: the file: /],
    ["rules: [\n", /map\.yaml:\d:\d: this is no YAML/],
  ])("tells the place and the remedy of a mistake in %j", (text, message) => {
    const error = errorOf(text);
    expect(error.code).toBe("bad-kinds");
    expect(error.message).toMatch(message);
    expect(error.remedy).toMatch(/rules/);
  });
});
