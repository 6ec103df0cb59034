import { execFileSync, spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { built, root, Scratch } from "./tool.js";

/** Runs test/fixtures/refused_calls.c on the library, by a shell that does `before` first. */
function refuse(how: string, before = "true") {
  const program = new Scratch().file("refused_calls");
  const source = join(root, "test/fixtures/refused_calls.c");
  execFileSync("cc", ["-O1", "-fno-builtin", "-pthread", source, "-o", program]);
  const { status, stdout, stderr } = spawnSync("/bin/sh", ["-c", `${before}; exec ${program} ${how}`], {
    env: { ...process.env, LD_PRELOAD: built("librustydb_malloc.so") },
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

const good = { status: 0, stdout: "good\n", stderr: "" };

describe("the drop-in malloc, where the kernel refuses memory", () => {
  it("survives the refusal of any one call, and loses nothing", () => {
    expect(refuse("once")).toEqual(good);
  });

  it("survives the refusal of any call and of all that follow, and goes on when there is memory again", () => {
    expect(refuse("always")).toEqual(good);
  });

  it("says ENOMEM at a limit of data that comes while the program runs", () => {
    expect(refuse("data")).toEqual(good);
  });

  it("says ENOMEM from every function of the family under a limit of address space", () => {
    expect(refuse("space", "ulimit -v 200000")).toEqual(good);
  });
});
