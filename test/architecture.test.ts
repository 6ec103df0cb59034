import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { nativeFloors, sourceFloors } from "./architecture/floors.js";
import { type Tree, violations } from "./architecture/rules.js";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

function readTree(): Tree {
  const tree = new Map<string, string>();
  for (const top of ["src", "native", "bin", "scripts", "test"]) {
    for (const entry of readdirSync(join(root, top), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || !/\.(ts|tsx|js|mjs|cc|h)$/.test(entry.name)) continue;
      const path = join(entry.parentPath, entry.name);
      tree.set(relative(root, path), readFileSync(path, "utf8"));
    }
  }
  return tree;
}

const planted = (files: Record<string, string>): string[] => violations(new Map(Object.entries(files)));

describe("the tree", () => {
  it("keeps every rule of ARCHITECTURE.md", () => {
    const tree = readTree();
    expect(tree.has("src/run.ts")).toBe(true);
    expect(violations(tree)).toEqual([]);
  });

  it.each([
    ["native", nativeFloors],
    ["src", sourceFloors],
  ])("has floors in %s that only ever look down", (_, floors) => {
    const height = (unit: string, above: readonly string[] = []): number => {
      expect(above, "a cycle").not.toContain(unit);
      return 1 + Math.max(0, ...(floors[unit] ?? []).map((used) => height(used, [...above, unit])));
    };
    for (const [unit, allowed] of Object.entries(floors)) {
      expect(Object.keys(floors)).toEqual(expect.arrayContaining([...allowed]));
      expect(height(unit)).toBeGreaterThan(0);
    }
  });
});

describe("a planted violation is found", () => {
  it.each<[string, Record<string, string>, RegExp]>([
    [
      "an allocator that includes the trace codec",
      { "native/alloc/slab.cc": '#include "trace/event.h"\n', "native/trace/event.h": "" },
      /alloc may not use trace/,
    ],
    [
      "an include that is not written from the root",
      { "native/alloc/slab.cc": '#include "slab.h"\n', "native/alloc/slab.h": "" },
      /not written from the root/,
    ],
    [
      "our own header in angle brackets",
      { "native/trace/a.cc": "#  include <alloc/slab.h>\n", "native/alloc/slab.h": "" },
      /included with quotes/,
    ],
    [
      "JavaScript below the binding",
      { "native/replay/planner.cc": "#include <napi.h>\n" },
      /only native\/binding may include napi\.h/,
    ],
    ["a native folder without a floor", { "native/extra/a.cc": "" }, /native\/extra has no floor/],
    ["a source folder without a floor", { "src/extra/a.ts": "" }, /extra has no floor/],
    [
      "a report that starts the engine",
      { "src/report/json.ts": 'import { replay } from "../engine/replayer.js";' },
      /report may not use engine/,
    ],
    [
      "a report that gets at the engine lazily",
      { "src/report/json.ts": 'const later = () => import("../engine/replayer.js");' },
      /report may not use engine/,
    ],
    [
      "a re-export from a higher floor",
      { "src/trace/event.ts": 'export * from "../commands/replay.js";' },
      /trace may not use commands/,
    ],
    [
      "a type taken from a higher floor",
      { "src/trace/event.ts": 'type A = import("../engine/plan.js").Plan;' },
      /trace may not use engine/,
    ],
    [
      "results that know the schedule",
      { "src/measure/measurement.ts": 'import { order } from "./schedule.js";' },
      /measurement may not use schedule/,
    ],
    ["React in a report", { "src/report/terminal.ts": 'import React from "react";' }, /only src\/tui/],
    ["Ink in a command", { "src/commands/replay.ts": 'await import("ink");' }, /only src\/tui/],
    [
      "a live view that everyone pays for",
      { "src/commands/replay.ts": 'import { App } from "../tui/App.js";' },
      /imported lazily/,
    ],
    ["a command that exits", { "src/commands/replay.ts": "process.exit(1);" }, /process\.exit/],
    ["a command that sets the exit code", { "src/commands/a.ts": "process.exitCode = 1;" }, /exitCode/],
    ["a command that reads argv", { "src/commands/a.ts": 'process["argv"].length;' }, /process\.argv/],
    ["argv taken apart", { "src/commands/a.ts": "const { argv: words } = process;" }, /process\.argv/],
    ["process imported", { "src/commands/a.ts": 'import { exit } from "node:process";' }, /global process/],
    ["a second loader", { "src/trace/a.ts": 'load("../build/Release/rustydb_mem.node");' }, /native\.ts/],
    ["a file of a thousand lines", { "src/trace/a.ts": "\n".repeat(1000) }, /split it/],
    ["a file for everything", { "src/trace/utils.ts": "" }, /one idea/],
    ["a header for everything", { "native/base/common.h": "" }, /one idea/],
  ])("%s", (_, files, expected) => {
    const found = planted(files);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(expected);
  });

  it("and what is allowed is not", () => {
    expect(
      planted({
        "src/run.ts": "process.exitCode = process.argv.length;",
        "src/commands/replay.ts": 'const { App } = await import("../tui/App.js"); process.stdout.write("");',
        "src/tui/App.tsx": 'import { Box } from "ink"; import { formatBytes } from "../units.js";',
        "src/measure/schedule.ts": 'import type { Round } from "./measurement.js";',
        "native/base/bits.h": "#include <bit>\n",
        "native/replay/planner.cc": '#include "base/bits.h"\n',
        "native/binding/addon.cc": "#include <napi.h>\n",
      }),
    ).toEqual([]);
  });
});
