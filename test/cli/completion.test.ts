import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { bin, runTool, Scratch } from "./tool.js";

/** What bash offers for a line with the cursor at its end, words taken apart as readline does. */
async function offered(words: readonly string[]): Promise<string[]> {
  const scratch = new Scratch();
  const script = scratch.file("completion.bash");
  writeFileSync(script, (await runTool(["completion", "bash"])).stdout);
  mkdirSync(scratch.file("bin"));
  const tool = scratch.file("bin/rustydb-mem");
  writeFileSync(tool, `#!/bin/sh\nexec '${process.execPath}' '${bin}' "$@"\n`);
  chmodSync(tool, 0o755);
  writeFileSync(scratch.file("my trace.rmt"), "");
  const drive =
    'source "$0"; COMP_WORDS=(rustydb-mem "$@"); COMP_CWORD=$#; complete -p rustydb-mem >&2; _rustydb_mem; ' +
    `printf "%s\\n" "$\{COMPREPLY[@]}"`;
  const { stdout, stderr } = spawnSync("bash", ["-c", drive, script, ...words], {
    cwd: scratch.path,
    encoding: "utf8",
    env: { ...process.env, PATH: `${scratch.file("bin")}:${process.env.PATH}` },
  });
  expect(stderr.trim()).toBe("complete -F _rustydb_mem rustydb-mem");
  return stdout.split("\n").filter((line) => line !== "");
}

describe("completion in bash", () => {
  it.each<[string[], string[]]>([
    [["re"], ["replay", "record", "report"]],
    [["replay", "--rou"], ["--rounds"]],
    [["replay", "--touch", "p"], ["page"]],
    [["replay", "--touch", "=", "p"], ["page"]],
    [
      ["replay", "--touch", "="],
      ["first", "page", "all", "none"],
    ],
    [["replay", "-a", "malloc,sl"], ["malloc,slab"]],
    [["replay", "--baseline", "rustydb-"], ["rustydb-malloc"]],
    [["replay", "oltp-t"], ["oltp-tpcc"]],
    [["replay", "my"], ["my trace.rmt"]],
    [["replay", "--export-json", "my"], ["my trace.rmt"]],
    [["config", "sc"], ["schema"]],
    [["--color", "al"], ["always"]],
    [["record", "--", "my"], ["my trace.rmt"]],
    [["replay", "--rounds", ""], []],
    [["nonsense"], []],
  ])("of %j offers %j", async (words, expected) => {
    expect(await offered(words)).toEqual(expected);
  });

  it("offers every command that help shows, and none that is hidden", async () => {
    const all = await offered([""]);
    const { stdout } = await runTool(["--help"]);
    for (const name of all) expect(stdout).toMatch(new RegExp(`^ +${name}\\b`, "m"));
    expect(all).toContain("completion");
    expect(all).not.toContain("complete");
    expect(stdout).not.toMatch(/^ +complete\b/m);
  });
});

const SHELLS: readonly (readonly ["bash" | "zsh" | "fish", string])[] = [
  ["bash", "-n"],
  ["zsh", "-n"],
  ["fish", "--no-execute"],
];

describe("the script", () => {
  for (const [shell, check] of SHELLS) {
    const installed = spawnSync(shell, ["--version"]).error === undefined;
    it.skipIf(!installed)(`of ${shell} has no mistake that ${shell} sees`, async () => {
      const scratch = new Scratch();
      const file = scratch.file("script");
      writeFileSync(file, (await runTool(["completion", shell])).stdout);
      const { status, stderr } = spawnSync(shell, [check, file], { encoding: "utf8" });
      expect(stderr).toBe("");
      expect(status).toBe(0);
    });
  }
});
