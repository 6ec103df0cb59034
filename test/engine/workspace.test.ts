import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { Workspace } from "../../src/engine/workspace.js";

describe("Workspace", () => {
  const before = process.env.TMPDIR;
  afterEach(() => {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
  });

  it("is a folder under TMPDIR that is gone with all that is in it", () => {
    const root = mkdtempSync(join(tmpdir(), "workspace-test-"));
    process.env.TMPDIR = root;
    const workspace = new Workspace();
    expect(dirname(workspace.path)).toBe(root);
    const [first, second] = [workspace.newFile("plan"), workspace.newFile("plan")];
    expect(first).not.toBe(second);
    writeFileSync(first, "x");
    workspace.dispose();
    expect(existsSync(workspace.path)).toBe(false);
    rmSync(root, { recursive: true });
  });

  it("says what to do where no folder can be made", () => {
    process.env.TMPDIR = "/nowhere/at/all";
    expect(() => new Workspace()).toThrow(
      expect.objectContaining({ code: "no-temporary-folder", remedy: expect.stringContaining("TMPDIR") }),
    );
  });

  it("is removed when the process exits in the middle", () => {
    const root = mkdtempSync(join(tmpdir(), "workspace-test-"));
    const module = fileURLToPath(new URL("../../src/engine/workspace.ts", import.meta.url));
    const script = `import { Workspace } from ${JSON.stringify(module)}; import { writeFileSync } from "node:fs";
      writeFileSync(new Workspace().newFile("plan"), "x"); process.exit(0);`;
    execFileSync(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script], {
      env: { ...process.env, TMPDIR: root },
      cwd: fileURLToPath(new URL("../..", import.meta.url)),
    });
    expect(readdirSync(root).filter((name) => name.startsWith("rustydb-mem-"))).toEqual([]);
    rmSync(root, { recursive: true });
  });
});
