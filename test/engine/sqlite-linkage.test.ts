import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sqliteLinkage, sqliteMarkersWarning } from "../../src/engine/sqlite-linkage.js";

const source = join(dirname(fileURLToPath(import.meta.url)), "..", "fixtures", "sqlite_program.c");
let folder = "";

const build = (name: string, ...args: string[]): string => {
  const path = join(folder, name);
  execFileSync("cc", [source, "-o", path, ...args, "-pthread"]);
  return path;
};

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "linkage-test-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("how a program came by SQLite", () => {
  it("is shared where the loader brings it", () => {
    const path = build("shared", "-lsqlite3");
    expect(sqliteLinkage(path)).toBe("shared");
    expect(sqliteMarkersWarning(path)).toBeUndefined();
  });

  it("is static where it lies inside, stripped or not, and the warning names a way out", () => {
    const path = build("static", "-l:libsqlite3.a", "-lm");
    expect(sqliteLinkage(path)).toBe("static");
    execFileSync("strip", [path]);
    expect(sqliteLinkage(path)).toBe("static");
    expect(sqliteMarkersWarning(path)).toMatch(/static carries SQLite inside .*rustydb_mem_mark\.h/);
  });

  it("is none in a program that has nothing of it, in a script and in a damaged file", () => {
    expect(sqliteLinkage(build("none", "-DHOST"))).toBe("none");
    const script = join(folder, "script");
    writeFileSync(script, "#!/bin/sh\nexec sqlite3\n");
    expect(sqliteLinkage(script)).toBe("none");
    const cut = join(folder, "cut");
    writeFileSync(cut, Buffer.from("\x7fELF\x02\x01", "latin1"));
    expect(sqliteLinkage(cut)).toBe("none");
  });

  it("cannot be told of a file that is not there", () => {
    expect(() => sqliteLinkage(join(folder, "nowhere"))).toThrow(/ENOENT/);
  });
});
