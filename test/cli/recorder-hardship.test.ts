import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { compileText, inspectTrace, record, traces } from "./recorded-program.js";
import { built, eventually, root, Scratch, startTool } from "./tool.js";

/** The recorder where what it needs is taken from it. */

const asRoot = process.getuid?.() === 0;
const nobody = 65534;

/** A collector that is started by way of these lines of shell. */
function collectorBehind(scratch: Scratch, lines: string, words = ""): Record<string, string> {
  const path = scratch.file("collector.sh");
  writeFileSync(path, `#!/bin/sh\n${lines}\nexec "${built("rustydb-mem-collector")}" "$@" ${words}\n`);
  chmodSync(path, 0o755);
  return { RUSTYDB_MEM_COLLECTOR: path };
}

const PAIRS = `#include <stdlib.h>
  int main() { for (int i = 0; i < 400000; ++i) { void* volatile p = malloc(10 + i % 90); free(p); } return 7; }`;

describe("record, when the room for its file runs out", () => {
  it("stops with one line, lets the program go on, and keeps what it has", async () => {
    const scratch = new Scratch();
    const program = compileText(scratch, "pairs", PAIRS);
    const { code, stderr } = await record(scratch, ["--", program], {
      env: collectorBehind(scratch, "ulimit -f 600"),
    });
    expect(code).toBe(7);
    expect(stderr.match(/^rustydb-mem: .*$/gm)).toEqual([
      expect.stringMatching(/could not write .*out\.rmt\.raw: the file may not grow further/),
    ]);
    const { analysis, report } = await inspectTrace(scratch.file("out.rmt"));
    expect(report).toMatchObject({ dropped: 0, repaired: 0 });
    expect(analysis.events).toBeGreaterThan(1000);
    expect(analysis.events).toBeLessThan(800_000);
  });

  it("spares a program that records alone under a limit on files", () => {
    const scratch = new Scratch();
    const program = compileText(scratch, "pairs", PAIRS);
    const { status, stderr } = spawnSync("sh", ["-c", 'ulimit -f 600; exec "$0"', program], {
      env: {
        ...process.env,
        LD_PRELOAD: built("librustydb_mem_record.so"),
        RUSTYDB_MEM_RECORD: scratch.file("raw.rmt"),
      },
      encoding: "utf8",
    });
    expect(status).toBe(7);
    expect(stderr).toMatch(/^rustydb-mem recorder: could not write .*\(ulimit -f\).*\n$/);
  });

  it("says so where the limit leaves no room for the shared memory, and runs the program", async () => {
    const scratch = new Scratch();
    const program = compileText(scratch, "pairs", PAIRS);
    const { code, stderr } = await record(scratch, ["--", "sh", "-c", `ulimit -f 600; exec ${program}`]);
    expect(code).toBe(7);
    expect(stderr).toMatch(/could not make its shared memory: the file may not grow further \(ulimit -f\)/);
  });
});

describe("record --on-full drop", () => {
  it("counts what it drops: with the events it is what the program did", async () => {
    const scratch = new Scratch();
    const shim = scratch.file("libcount.so");
    execFileSync("c++", [
      ...["-std=c++20", "-O1", "-fPIC", "-shared", "-o", shim],
      join(root, "test/native/preload/count_malloc.cc"),
    ]);
    const program = compileText(scratch, "pairs", PAIRS);
    const json = scratch.file("record.json");
    const { code } = await record(scratch, ["--on-full", "drop", "--export-json", json, "--", program], {
      env: {
        ...collectorBehind(scratch, "", "--ring-words 1024"),
        LD_PRELOAD: shim,
        COUNT_MALLOC: scratch.file("count"),
      },
    });
    expect(code).toBe(7);
    const { process: recorded } = JSON.parse(readFileSync(json, "utf8")).traces[0];
    const counts = readFileSync(scratch.file(`count.${recorded.pid}`));
    const [allocs = 0, , frees = 0, reallocs = 0] = [0, 1, 2, 3].map((at) =>
      Number(counts.readBigUInt64LE(at * 8)),
    );
    expect(recorded.dropped).toBeGreaterThan(0);
    expect(recorded.events).toBeGreaterThan(0);
    expect(recorded.events + recorded.dropped).toBe(allocs + frees + reallocs);
  });
});

describe("record of a program with more rights than its caller", () => {
  const su = "/bin/su";
  it.skipIf(!asRoot && !existsSync(su))("says that the loader preloads nothing", async () => {
    const scratch = new Scratch();
    let command = [su, "--version"];
    if (asRoot) {
      const program = scratch.file("setuid-true");
      copyFileSync("/bin/true", program);
      chownSync(program, nobody, nobody);
      chmodSync(program, 0o4755);
      chmodSync(scratch.path, 0o755);
      command = [program];
    }
    const { code, stderr } = await record(scratch, ["--", ...command]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/nothing was recorded: .* runs as another user than who starts it/);
    expect(traces(scratch)).toEqual([]);
  });

  // Only root can give up being root.
  it.skipIf(!asRoot)("hears the threads that a server starts after it gave up being root", async () => {
    const scratch = new Scratch();
    const program = compileText(
      scratch,
      "server",
      `#include <pthread.h>
       #include <stdlib.h>
       #include <unistd.h>
       static void* work(void* p) { void* volatile b = malloc(10007); free(b); return p; }
       int main() {
         if (setgid(${nobody}) != 0 || setuid(${nobody}) != 0) return 2;
         pthread_t one; pthread_create(&one, 0, work, 0); pthread_join(one, 0);
         return 0;
       }`,
    );
    const { code, stderr } = await record(scratch, ["--", program]);
    expect(code).toBe(0);
    expect(stderr).not.toMatch(/no room|dropped [1-9]/);
    expect((await inspectTrace(scratch.file("out.rmt"))).analysis.threads).toHaveLength(2);
  });
});

describe("record, as processes and threads come and go", () => {
  it("waits for a child that loads the recorder only after its parent's end", async () => {
    const scratch = new Scratch();
    const program = compileText(
      scratch,
      "leaves",
      `#define _GNU_SOURCE
       #include <signal.h>
       #include <stdlib.h>
       #include <sys/syscall.h>
       #include <unistd.h>
       int main() {
         void* volatile p = malloc(10007); (void)p;
         if (syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) == 0) { usleep(300000); execl("/bin/true", "true", (char*)0); }
         _exit(0);
       }`,
    );
    expect((await record(scratch, ["--", program])).code).toBe(0);
    const programs = await Promise.all(
      traces(scratch).map(async (name) => (await inspectTrace(scratch.file(name))).header.program),
    );
    expect(programs.sort()).toEqual(["leaves", "true"]);
  });

  it("gives a late child the blocks of what its parent was at the fork, not of what it has become", async () => {
    const scratch = new Scratch();
    const shim = compileText(
      scratch,
      "libslow.so",
      `#include <pthread.h>
       #include <unistd.h>
       static void late(void) { usleep(300000); }
       __attribute__((constructor)) static void begin(void) { pthread_atfork(0, 0, late); }`,
      ["-shared", "-fPIC"],
    );
    const program = compileText(
      scratch,
      "becomes",
      `#include <stdlib.h>
       #include <unistd.h>
       int main() {
         void* volatile a = malloc(10007);
         if (fork() == 0) { free(a); _exit(0); }
         execl("/bin/sleep", "sleep", "0.6", (char*)0);
       }`,
    );
    const { code } = await record(scratch, ["--", program], { env: { LD_PRELOAD: shim } });
    expect(code).toBe(0);
    const all = await Promise.all(traces(scratch).map((name) => inspectTrace(scratch.file(name))));
    expect(all).toHaveLength(3);
    for (const { report } of all) expect(report).toMatchObject({ dropped: 0, repaired: 0 });
    const child = all.find(({ header }) => header.parent !== undefined);
    expect(child?.analysis.eventsByType.alloc).toBeGreaterThan(0);
  });

  it("has rings for more threads than it has rings, where they allocate only as they end", async () => {
    const scratch = new Scratch();
    const program = compileText(
      scratch,
      "churn",
      `#include <pthread.h>
       #include <stdlib.h>
       static pthread_key_t key;
       static void late(void* p) { void* volatile b = malloc(10007); free(b); (void)p; }
       static void* work(void* p) { pthread_setspecific(key, &key); return p; }
       int main() {
         pthread_key_create(&key, late);
         for (int i = 0; i < 2200; ++i) {
           pthread_t one; pthread_create(&one, 0, work, 0); pthread_join(one, 0);
         }
         return 0;
       }`,
    );
    const json = scratch.file("record.json");
    expect((await record(scratch, ["--export-json", json, "--", program])).code).toBe(0);
    const { process: recorded } = JSON.parse(readFileSync(json, "utf8")).traces[0];
    expect(recorded.dropped).toBe(0);
    expect(recorded.threads).toBe(2201);
  });

  it("removes the rings of processes that never made theirs whole", async () => {
    const scratch = new Scratch();
    const { stdout } = await record(scratch, [
      "--",
      "sh",
      "-c",
      'echo "$RUSTYDB_MEM_RECORD_DIR"; : > "$RUSTYDB_MEM_RECORD_DIR/4000000-0.rings"',
    ]);
    expect(stdout).toMatch(/rustydb-mem-record-/);
    expect(existsSync(stdout.trim())).toBe(false);
  });

  it("says that the collector is gone, and where what it wrote is", async () => {
    const scratch = new Scratch();
    const env = collectorBehind(scratch, `echo $$ > "${scratch.file("pid")}"`);
    const { child, outcome } = startTool(
      [
        ...["record", "-q", "-o", scratch.file("out.rmt"), "--", "sh", "-c"],
        'echo "$RUSTYDB_MEM_RECORD_DIR"; sleep 0.5; exit 3',
      ],
      { scratch, env },
    );
    let folder = "";
    child.stdout?.on("data", (text: string) => {
      folder += text;
    });
    await eventually(() => folder.includes("\n"), 10_000, "the program runs");
    process.kill(Number(readFileSync(scratch.file("pid"), "utf8")), "SIGKILL");
    const { code, stderr } = await outcome;
    expect(code).toBe(1);
    expect(stderr).toMatch(/the recording broke off: the collector ended with SIGKILL/);
    expect(existsSync(folder.trim())).toBe(false);
  });

  it("never writes into a file of the program that has the number of its own", () => {
    const scratch = new Scratch();
    const program = compileText(
      scratch,
      "closes",
      `#include <fcntl.h>
       #include <stdlib.h>
       #include <unistd.h>
       int main(int n, char** words) {
         for (int i = 3; i < 1024; ++i) close(i);
         int mine = open(words[1], O_WRONLY | O_CREAT, 0644);
         for (int i = 800; i < 1000; ++i) dup2(mine, i);
         for (int i = 0; i < 400000; ++i) { void* volatile p = malloc(10 + i % 90); free(p); }
         return write(800, "mine", 4) == 4 ? 0 : 3;
       }`,
    );
    const mine = scratch.file("mine");
    const { status, stderr } = spawnSync(program, [mine], {
      env: {
        ...process.env,
        LD_PRELOAD: built("librustydb_mem_record.so"),
        RUSTYDB_MEM_RECORD: scratch.file("raw.rmt"),
      },
      encoding: "utf8",
    });
    expect(status).toBe(0);
    expect(stderr).toMatch(/the program has closed the file/);
    expect(statSync(mine).size).toBe(4);
  });
});
