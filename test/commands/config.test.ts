import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { command } from "../../src/commands/config.js";
import { packageRoot } from "../../src/native.js";
import { play } from "./world.js";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "config-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const run = async (...words: string[]): Promise<string> => (await play(command, words)).stdout.toString();

function written(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

/** `pages.fit` → `"best"`, of every key in a shown configuration; a list is what stands in its lines. */
function keysOf(shown: string): Map<string, string> {
  const keys = new Map<string, string>();
  let table = "";
  for (const line of shown.split("\n")) {
    table = /^\[(.*)\]$/.exec(line)?.[1] ?? table;
    const [, name, value] = /^(\w+) = (.*)$/.exec(line) ?? [];
    if (name !== undefined) keys.set(`${table}.${name}`, value as string);
  }
  return keys;
}

describe("config show", () => {
  it("prints the defaults, which read as themselves", async () => {
    const shown = await run("show");
    expect(keysOf(shown).get("pages.fit")).toBe('"best"');
    expect(keysOf(shown).size).toBeGreaterThan(20);
    expect(await run("show", written("defaults.toml", shown))).toBe(shown);
  });

  it("prints the effective configuration of a file, which reads as itself", async () => {
    const text = "pages = { fit = 'worst', dirty_cap = 12345 }\n[[slab.classes]]\nbytes = 64\nmagazine = 3\n";
    const shown = await run("show", written("own.toml", text));
    const keys = keysOf(shown);
    expect(keys.get("pages.fit")).toBe('"worst"');
    expect(keys.get("pages.dirty_cap")).toBe("12345");
    expect(shown).toContain("classes = [\n  { bytes = 64, magazine = 3 },\n]\n");
    expect(await run("show", written("again.toml", shown))).toBe(shown);
  });
});

describe("config check", () => {
  it("says that a file is valid", async () => {
    const file = written("good.toml", "");
    expect(await run("check", file)).toBe(`${file}: a valid configuration\n`);
  });

  it("names what is wrong, where, and what to do", async () => {
    const file = written("bad.toml", "# x\n[arena]\nstael = '1s'\n");
    await expect(run("check", file)).rejects.toMatchObject({
      code: "bad-config",
      message: "there is no such key",
      remedy: "Did you mean arena.stale?",
    });
    const error = (await run("check", file).catch((caught: unknown) => caught)) as { place(): string };
    expect(error.place()).toBe(`${file}:3:1: arena.stael`);
    await expect(run("check", join(folder, "none.toml"))).rejects.toMatchObject({ code: "no-config" });
    await expect(run("check", folder)).rejects.toMatchObject({ code: "no-config" });
    await expect(run("check", written("large.toml", "#".repeat(2 ** 20 + 1)))).rejects.toMatchObject({
      message: "the file is larger than 1 MiB",
    });
    await expect(run("check")).rejects.toMatchObject({ code: "no-file" });
    await expect(run("chek", file)).rejects.toMatchObject({ code: "commander.invalidArgument" });
  });
});

describe("docs/configuration.md", () => {
  it("tells every key with its default, and no other", async () => {
    const documented = new Map<string, string>();
    let table = "";
    for (const line of readFileSync(`${packageRoot}docs/configuration.md`, "utf8").split("\n")) {
      table = /^#+ `\[(.*)\]`/.exec(line)?.[1] ?? table;
      const [, name, value] = /^\| `(\w+)` +\| `(.*?)` +\|/.exec(line) ?? [];
      if (name !== undefined) documented.set(`${table}.${name}`, value as string);
      // One table for all profiles: a row each.
      const profile = /^\| (\w+) +\| (?:`(.*?)`|) *\| `(.*?)` +\| `(.*?)` +\|$/.exec(line);
      if (profile !== null) {
        const [, which, usual, initial, limit] = profile;
        for (const [key, text] of Object.entries({ usual, initial, limit })) {
          if (text !== undefined) documented.set(`${table}.${which}.${key}`, text);
        }
      }
    }
    expect(Object.fromEntries(documented)).toEqual(Object.fromEntries(keysOf(await run("show"))));
  });
});
