import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Allocator } from "../../src/engine/allocators.js";
import { type RoundRequest, replayExecutable, runRound } from "../../src/engine/replayer.js";
import { AllocatorError, Interrupted, ReplayError } from "../../src/errors.js";
import { mockReplayExecutable } from "./mock-replayer.js";

const place = mockReplayExecutable();

function request(misdeed: string, more: Partial<RoundRequest> = {}): RoundRequest {
  const allocator: Allocator = {
    name: "malloc",
    route: "malloc",
    environment: misdeed === "" ? {} : { MOCK: misdeed },
  };
  return {
    ...{
      allocator,
      mode: "timed",
      planPath: "/plan",
      order: "free",
      warmPasses: 3,
      touch: "page",
      speed: "max",
      idleMs: 0,
    },
    ...more,
  } as RoundRequest;
}

async function failureOf(misdeed: string, signal?: AbortSignal): Promise<ReplayError> {
  const error: unknown = await runRound(request(misdeed), signal === undefined ? {} : { signal }).catch(
    (thrown) => thrown,
  );
  expect(error).toBeInstanceOf(ReplayError);
  return error as ReplayError;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe("a round", () => {
  it("gives the passes, who answered malloc, and what the allocator counted", async () => {
    const { hello, passes, result } = await runRound(request(""));
    expect(hello).toMatchObject({ mallocLibrary: "/lib/libc.so.6", mallocVersion: "1.2.3", clockNs: 12 });
    expect(passes.map((pass) => pass.cold)).toEqual([true, false, false, false]);
    expect(result.stats).toEqual({ refills: 3 });
  });

  it("gives the samples of a memory round", async () => {
    const { samples, passes } = await runRound(request("", { mode: "memory" }));
    expect(samples.map((sample) => sample.event)).toEqual([0, 10, 20]);
    expect(passes).toHaveLength(1);
  });

  it("has an environment of its own, without preloads and settings of the shell", async () => {
    const before = { ...process.env };
    Object.assign(process.env, {
      LD_PRELOAD: "",
      MALLOC_ARENA_MAX: "1",
      MALLOC_CONF: "narenas:1",
      GLIBC_TUNABLES: "x",
    });
    try {
      const { message } = await failureOf("environment");
      const { env, words } = JSON.parse(message.slice(message.indexOf("{"))) as {
        env: object;
        words: string[];
      };
      const names = Object.keys(env).filter(
        (name) => !["PWD", "SHLVL", "_", "OLDPWD", "LD_LIBRARY_PATH"].includes(name),
      );
      expect(names.sort()).toEqual(["LC_ALL", "MOCK", "PATH"]);
      expect(words).toEqual([
        ...["--plan", "/plan", "--route", "malloc", "--mode", "timed", "--order", "free"],
        ...["--touch", "page", "--speed", "max", "--warm", "3", "--parent-death"],
      ]);
    } finally {
      for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
      Object.assign(process.env, before);
    }
  });
});

describe("a replay process that goes wrong", () => {
  it("is named with its signal and last words when it is killed in the middle", async () => {
    const error = await failureOf("kill");
    expect(error.code).toBe("killed");
    expect(error.message).toMatch(/malloc \(timed round\) was killed \(SIGKILL; .*memory.*last words/s);
  });

  it("is named with its signal when it dies before its first word", async () => {
    expect(await failureOf("silent-death")).toMatchObject({
      code: "crashed",
      message: expect.stringContaining("crashed with SIGSEGV"),
    });
  });

  it.each(["garbage", "endless-line"])("is stopped when it says what is no frame (%s)", async (misdeed) => {
    const started = performance.now();
    expect((await failureOf(misdeed)).code).toBe("bad-frame");
    expect(performance.now() - started).toBeLessThan(5000);
  });

  it("is not believed when it forgets to say hello", async () => {
    expect((await failureOf("no-hello")).code).toBe("bad-frame");
  });

  it("tells its own failure, with the event", async () => {
    const error: unknown = await runRound(request("corrupts", { mode: "check" })).catch((thrown) => thrown);
    expect(error).toMatchObject({
      code: "corrupted-block",
      event: 42,
      message: "malloc: a byte of block 7 changed",
    });
    expect((await failureOf("early-failure")).code).toBe("bad-plan");
  });

  it("is an error in words when there is none", async () => {
    const before = process.env.RUSTYDB_MEM_REPLAY;
    process.env.RUSTYDB_MEM_REPLAY = join(place.folder, "nowhere");
    try {
      expect(() => replayExecutable()).toThrow(/does not exist/);
      expect((await failureOf("")).remedy).toContain("build-native");
    } finally {
      process.env.RUSTYDB_MEM_REPLAY = before;
    }
  });

  it("is an error in words when it cannot be started", async () => {
    const before = process.env.RUSTYDB_MEM_REPLAY;
    const script = join(place.folder, "not-executable");
    writeFileSync(script, "no program");
    process.env.RUSTYDB_MEM_REPLAY = script;
    try {
      expect((await failureOf("")).code).toBe("not-started");
    } finally {
      process.env.RUSTYDB_MEM_REPLAY = before;
    }
  });
});

describe("interruption", () => {
  it.each(["hang", "deaf"])("leaves no process behind, whether it listens or not (%s)", async (misdeed) => {
    const abort = new AbortController();
    let pid = 0;
    const round = runRound(request(misdeed), { signal: abort.signal, onProgress: () => abort.abort() });
    // The child's number is not handed out before it ends: look it up among our children.
    const { readFileSync, readdirSync } = await import("node:fs");
    while (pid === 0 && !abort.signal.aborted) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      for (const entry of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
        try {
          const words = readFileSync(`/proc/${entry}/cmdline`, "utf8");
          const parent = readFileSync(`/proc/${entry}/stat`, "utf8").replace(/.*\) /s, "").split(" ")[1];
          if (words.includes("mock-replay.mjs") && Number(parent) === process.pid) pid = Number(entry);
        } catch {
          // Gone in the meantime.
        }
      }
    }
    await expect(round).rejects.toThrow(Interrupted);
    expect(pid).toBeGreaterThan(0);
    expect(isAlive(pid)).toBe(false);
  });

  it("does not start a process once the signal was raised", async () => {
    await expect(runRound(request(""), { signal: AbortSignal.abort() })).rejects.toThrow(Interrupted);
  });
});

describe("a preload", () => {
  const library = (misdeed: string): Allocator => {
    const path = join(place.folder, "libpeer.so");
    writeFileSync(path, "\x7fELF no library at all", "latin1");
    return {
      name: "peer",
      route: "malloc",
      library: { path, realPath: path },
      environment: { MOCK: misdeed },
    };
  };

  it("that answers malloc is believed", async () => {
    const { hello } = await runRound(request("", { allocator: library("") }));
    expect(hello.mallocLibrary).toBe(join(place.folder, "libpeer.so"));
  });

  it("that did not load is an error with the loader's reason, and nothing is measured", async () => {
    const error: unknown = await runRound(request("", { allocator: library("not-loaded") })).catch(
      (thrown) => thrown,
    );
    expect(error).toBeInstanceOf(AllocatorError);
    expect(error).toMatchObject({ code: "preload-failed", allocator: "peer" });
    expect((error as Error).message).toMatch(
      /malloc is answered by \/lib\/libc\.so\.6: ERROR: ld\.so: object '.*libpeer\.so'/,
    );
  });
});
