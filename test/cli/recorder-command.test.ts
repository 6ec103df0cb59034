import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { compileText, type Inspected, inspectTrace, record, traces } from "./recorded-program.js";
import { eventually, root, Scratch, startTool } from "./tool.js";

function compile(scratch: Scratch, source: string): string {
  const program = scratch.file(source.replace(/\.c$/, ""));
  execFileSync("c++", ["-x", "c", "-O1", "-pthread", join(root, "test/fixtures", source), "-o", program]);
  return program;
}

/** What the shim counted in the process: allocs, bytes, frees, reallocs, bytes. */
function counted(scratch: Scratch, pid: string): number[] {
  const bytes = readFileSync(scratch.file(`count.${pid}`));
  return [0, 1, 2, 3, 4].map((index) => Number(bytes.readBigUInt64LE(index * 8)));
}

/** Preloads a shim in front of the recorder that counts without knowing of it. */
function counting(scratch: Scratch): Record<string, string> {
  const shim = scratch.file("libcount.so");
  execFileSync("c++", [
    ...["-std=c++20", "-O1", "-fPIC", "-shared", "-o", shim],
    join(root, "test/native/preload/count_malloc.cc"),
  ]);
  return { LD_PRELOAD: shim, COUNT_MALLOC: scratch.file("count") };
}

function expectCounted({ analysis, header }: Inspected, scratch: Scratch): void {
  const { alloc, free, realloc } = analysis.eventsByType;
  const [allocs = 0, allocBytes = 0, frees, reallocs, reallocBytes = 0] = counted(
    scratch,
    header.pid as string,
  );
  expect({ alloc, free, realloc }).toEqual({ alloc: allocs, free: frees, realloc: reallocs });
  expect(analysis.requestedBytes).toBe(allocBytes + reallocBytes);
}

describe("record", () => {
  it("writes every event of 64 threads that free each other's blocks, as an independent shim counts them", async () => {
    const scratch = new Scratch();
    const program = compile(scratch, "recorded_load.c");
    const { code, stderr } = await record(scratch, ["--", program, "64", "2000"], { env: counting(scratch) });
    expect(code).toBe(0);
    expect(stderr).toMatch(/malloc explains .*% of\s+this program's resident memory and an estimated/);
    const inspected = await inspectTrace(scratch.file("out.rmt"));
    expectCounted(inspected, scratch);
    expect(inspected.report).toMatchObject({ dropped: 0, repaired: 0 });
    expect(inspected.analysis.threads).toHaveLength(65);
    expect(inspected.analysis.end.liveBlocks).toBeGreaterThanOrEqual(64);
    expect(scratch.leftBehind()).toEqual([]);
  });

  it("loses nothing of a program that is killed", async () => {
    const scratch = new Scratch();
    const program = compile(scratch, "recorded_program.c");
    const { code } = await record(scratch, ["--", program, "crash"], { env: counting(scratch) });
    expect(code).toBe(128 + 9);
    const inspected = await inspectTrace(scratch.file("out.rmt"));
    expectCounted(inspected, scratch);
    expect(inspected.report).toMatchObject({ dropped: 0, repaired: 0 });
  });

  it("gives a child made by fork what its parent had, in a file of its own", async () => {
    const scratch = new Scratch();
    const program = compileText(
      scratch,
      "forks",
      `#include <stdlib.h>
       #include <sys/wait.h>
       #include <unistd.h>
       int main() {
         void* volatile a = malloc(12011); void* volatile b = malloc(12013);
         if (fork() == 0) {
           free(a); void* volatile c = malloc(12017); (void)c;
           if (fork() == 0) { free(b); _exit(0); }
           wait(0); _exit(0);
         }
         free(b); wait(0);
         execl("/bin/true", "true", (char*)0);
       }`,
    );
    const { code, stderr } = await record(scratch, ["--", program]);
    expect(code).toBe(0);
    expect(stderr).toMatch(/3 more processes/);
    const all = await Promise.all(traces(scratch).map((name) => inspectTrace(scratch.file(name))));
    for (const { report } of all) expect(report).toMatchObject({ dropped: 0, repaired: 0 });
    const first = all.find(({ header }) => header.program === "forks" && header.parent === undefined);
    const child = all.find(({ header }) => header.parent === first?.header.pid);
    const grandchild = all.find(({ header }) => header.parent === child?.header.pid);
    expect(child?.analysis.end.liveBytes).toBe((first?.analysis.end.liveBytes ?? 0) - 12011 + 12013 + 12017);
    expect(grandchild?.analysis.end.liveBytes).toBe((child?.analysis.end.liveBytes ?? 0) - 12013);
    expect(child?.analysis.marks).toMatchObject([{ text: "start" }]);
    // What exec put in the place of the first is another program, with a file of its own.
    expect(all.find(({ header }) => header.program === "true")?.header.pid).toBe(first?.header.pid);
  });

  it("follows a process through one program after the other", async () => {
    const scratch = new Scratch();
    // Slow enough that each image is over and put away when the next one comes, and longer than a ring holds.
    const program = compileText(
      scratch,
      "images",
      `#include <stdlib.h>
       #include <time.h>
       #include <unistd.h>
       int main(int count, char** words) {
         int left = atoi(words[1]);
         for (int i = 0; i < 30000; ++i) free(malloc(1000 + left));
         struct timespec pause = {0, 120000000};
         nanosleep(&pause, 0);
         char next[2] = {(char)('0' + left - 1), 0};
         if (left > 1) execl(words[0], words[0], next, (char*)0);
         return count - 2;
       }`,
    );
    expect((await record(scratch, ["--", program, "5"])).code).toBe(0);
    const files = traces(scratch);
    expect(files).toHaveLength(5);
    for (const file of files) {
      const { analysis, report } = await inspectTrace(scratch.file(file));
      expect(analysis.events).toBeGreaterThanOrEqual(60_000);
      expect(report).toMatchObject({ dropped: 0, repaired: 0 });
    }
  });

  it("leaves the program's streams alone and passes its exit code on", async () => {
    const scratch = new Scratch();
    const { code, stdout, stderr } = await record(scratch, [
      "--",
      "sh",
      "-c",
      "echo out; echo err >&2; exit 7",
    ]);
    expect(code).toBe(7);
    expect(stdout).toBe("out\n");
    expect(stderr).toMatch(/^err\n/);
    expect(existsSync(scratch.file("out.rmt.raw"))).toBe(false);
  });

  it("passes signals on, and records to the end", async () => {
    const scratch = new Scratch();
    // Not a shell: dash loses a signal that comes as it starts a command (vfork).
    const program = compileText(
      scratch,
      "catches",
      `#include <signal.h>
       #include <stdlib.h>
       #include <unistd.h>
       static volatile sig_atomic_t caught;
       static void handle(int signal) { (void)signal; caught = 1; }
       int main(void) {
         signal(SIGTERM, handle);
         write(1, "ready\\n", 6);
         do { free(malloc(100)); usleep(1000); } while (!caught);
         write(1, "caught\\n", 7);
         return 3;
       }`,
    );
    const { child, outcome } = startTool(["record", "-q", "-o", scratch.file("out.rmt"), "--", program], {
      scratch,
    });
    let said = "";
    child.stdout?.on("data", (text: string) => {
      said += text;
    });
    await eventually(() => said.includes("ready"), 10_000, "the program runs");
    child.kill("SIGTERM");
    const { code, stdout } = await outcome;
    expect(code).toBe(3);
    expect(stdout).toBe("ready\ncaught\n");
    expect((await inspectTrace(scratch.file("out.rmt"))).analysis.events).toBeGreaterThan(0);
  });

  it("takes samples of the program's memory", async () => {
    const scratch = new Scratch();
    const program = compileText(
      scratch,
      "grows",
      `#include <stdlib.h>
       #include <string.h>
       #include <unistd.h>
       int main() { memset(malloc(40 << 20), 1, 40 << 20); usleep(300000); return 0; }`,
    );
    await record(scratch, ["--sample-memory", "10ms", "--", program]);
    const { analysis } = await inspectTrace(scratch.file("out.rmt"));
    expect(analysis.samples).toBeGreaterThan(3);
    expect(analysis.largestSampleUsedBytes).toBeGreaterThan(40 << 20);
    expect(analysis.largestSampleUsedBytes).toBeLessThan(60 << 20);
  });

  it("stops where it is told to, and lets the program go on", async () => {
    const scratch = new Scratch();
    const program = compile(scratch, "recorded_load.c");
    const { code, stderr } = await record(scratch, ["--max-events", "1000", "--", program, "2", "100000"]);
    expect(code).toBe(0);
    expect(stderr).toMatch(/--max-events is reached; the program goes on unrecorded/);
    const { events } = (await inspectTrace(scratch.file("out.rmt"))).analysis;
    expect(events).toBe(1000);
  });

  it("begins late and ends early", async () => {
    const scratch = new Scratch();
    const program = compileText(
      scratch,
      "ticks",
      `#include <stdlib.h>
       #include <unistd.h>
       int main() { for (int i = 0; i < 60; ++i) { void* volatile p = malloc(2000 + i); free(p); usleep(10000); } }`,
    );
    await record(scratch, ["--after", "200ms", "--for", "200ms", "--", program]);
    const { analysis } = await inspectTrace(scratch.file("out.rmt"));
    expect(analysis.eventsByType.alloc).toBeGreaterThan(0);
    expect(analysis.eventsByType.alloc).toBeLessThan(59);
  });
});

describe("record says why it can't", () => {
  it.each<[string, (scratch: Scratch) => string[], RegExp]>([
    ["a program that is not there", () => ["--", "no-such-program"], /there is no program no-such-program/],
    ["no program", () => [], /missing required argument 'program'/],
    [
      "a file that is no program",
      (scratch) => {
        writeFileSync(scratch.file("text"), "hello");
        return ["--", scratch.file("text")];
      },
      /may not be executed/,
    ],
    [
      "a statically linked program",
      (scratch) => ["--", compileText(scratch, "static", "int main() { return 0; }", ["-static"])],
      /nothing was recorded: .*static is linked statically/,
    ],
    [
      "an output that can't be written",
      () => ["-o", "/no/such/folder/x.rmt", "--", "true"],
      /there is no folder \/no\/such\/folder/,
    ],
    ["an output that is no trace", () => ["-o", "x.csv", "--", "true"], /x\.csv is none/],
  ])("%s", async (_, words, expected) => {
    const scratch = new Scratch();
    const { code, stderr } = await record(scratch, words(scratch));
    expect(code).toBe(1);
    expect(stderr).toMatch(expected);
    expect(stderr).not.toMatch(/ {4}at /);
    expect(existsSync(scratch.file("out.rmt"))).toBe(false);
  });

  it("warns of a program that carries its own allocator", async () => {
    const scratch = new Scratch();
    const program = compileText(
      scratch,
      "own",
      `#include <stdlib.h>
       void* je_malloc(size_t n) { return malloc(n); }
       int main() { void* volatile p = je_malloc(3); free(p); return 0; }`,
    );
    const { code, stderr } = await record(scratch, ["--", program]);
    expect(code).toBe(0);
    expect(stderr).toMatch(/carries its own allocator \(je_malloc is linked into it\)/);
  });

  it("records the prefixed functions of a shared library where it is asked to", async () => {
    const scratch = new Scratch();
    const library = compileText(
      scratch,
      "libown.so",
      `#include <sys/mman.h>
       void* own_malloc(unsigned long n) { return mmap(0, 65536, 3, 34, -1, 0); }
       void own_free(void* p) { munmap(p, 65536); }`,
      ["-shared", "-fPIC"],
    );
    const program = compileText(
      scratch,
      "uses",
      `void* own_malloc(unsigned long); void own_free(void*);
       int main() { void* p = own_malloc(23011); void* q = own_malloc(23017); own_free(p); return q == 0; }`,
      ["-x", "none", library],
    );
    const { code, stderr } = await record(scratch, ["--symbols", "own_", "--", program]);
    expect(code).toBe(0);
    expect(stderr).toMatch(/--symbols own_ saw the libraries that the program starts with/);
    const { analysis, report } = await inspectTrace(scratch.file("out.rmt"));
    expect(report).toMatchObject({ dropped: 0, repaired: 0 });
    expect(analysis.requestedBytes).toBeGreaterThanOrEqual(23011 + 23017);
    expect(analysis.end.liveBytes).toBeGreaterThanOrEqual(23017);
    expect(analysis.end.liveBytes).toBeLessThan(23011 + 23017);
  });

  it("finds the recorder from a folder with a space in its name", async () => {
    const scratch = new Scratch();
    const library = scratch.file("the recorder.so");
    copyFileSync(join(root, "build/Release/librustydb_mem_record.so"), library);
    chmodSync(library, 0o755);
    const env = { RUSTYDB_MEM_RECORDER: library };
    const { code } = await record(scratch, ["--", "true"], { env });
    expect(code).toBe(0);
    expect((await inspectTrace(scratch.file("out.rmt"))).header.program).toBe("true");
    // The folder with the link to it goes with the recording.
    const words = ["-o", scratch.file("second.rmt"), "--", "printenv", "RUSTYDB_MEM_RECORD_DIR"];
    const { stdout } = await record(scratch, words, { env });
    expect(stdout).toMatch(/rustydb-mem-record-/);
    expect(existsSync(stdout.trim())).toBe(false);
  });
});
