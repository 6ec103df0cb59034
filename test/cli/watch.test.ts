import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { growing } from "./growing.js";
import { eventually, runTool, Scratch, startTool } from "./tool.js";

interface Line {
  readonly timeS: number;
  readonly usedBytes: number;
  readonly limitBytes: number;
  readonly level: string;
  readonly action: string;
  readonly changed: boolean;
}

const jsonLines = (text: string): Line[] =>
  text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);

const FAST = ["--interval", "100ms"];

describe("watch", { timeout: 60_000 }, () => {
  it("shows a line a sample, and what it was in the end", async () => {
    const { code, stdout, stderr } = await runTool(["watch", "--for", "1s", ...FAST]);
    expect(code).toBe(0);
    const lines = stdout.trim().split("\n");
    expect(lines.length).toBeGreaterThanOrEqual(9);
    expect(lines.length).toBeLessThanOrEqual(11);
    for (const line of lines) {
      expect(line).toMatch(
        /^\d\d:\d\d:\d\d +[\d.]+ [KMGT]iB +[\d.]+ % {2}\w+ .*\/s {2}60 s: .* critical: .* (normal|warning|high|critical|emergency) +[a-z-]+/,
      );
    }
    expect(stderr).toMatch(/watching the system; used: MemTotal − MemAvailable; limit: MemTotal/);
    expect(stderr).toMatch(/1?\d samples in \S+ \w+, peak .*, highest level/);
  });

  it("of a process sees it grow, through the levels, and end", async () => {
    const scratch = new Scratch();
    const { pid } = await growing(3, 100, 4);
    const out = scratch.file("acts");
    const trace = scratch.file("grown.rmt.gz");
    const words = ["--pid", String(pid), "--limit", "100MiB", "--json", "--record", trace];
    const command = `echo "$RUSTYDB_MEM_ACTION $RUSTYDB_MEM_PID $RUSTYDB_MEM_LIMIT" >> ${out}`;
    const { code, stdout, stderr } = await runTool(["watch", ...words, ...FAST, "--on-action", command], {
      scratch,
    });
    expect(code).toBe(0);
    const lines = jsonLines(stdout);
    const [first, last] = [lines[0], lines.at(-1)];
    expect((last?.usedBytes ?? 0) - (first?.usedBytes ?? 0)).toBeGreaterThan(60 * 1024 ** 2);
    expect(new Set(lines.map(({ limitBytes }) => limitBytes))).toEqual(new Set([100 * 1024 ** 2]));
    expect(first?.level).toBe("normal");
    expect(last?.level).toBe("emergency");
    expect(stderr).toContain(`process ${pid} (node) has ended: `);
    // The program ran for what each line says the action became.
    const changes = lines.filter((line, at) => line.action !== (lines[at - 1]?.action ?? "none"));
    const ran = readFileSync(out, "utf8").trim().split("\n");
    expect(ran.sort()).toEqual(changes.map(({ action }) => `${action} ${pid} ${100 * 1024 ** 2}`).sort());
    // And the recording holds what was shown.
    expect(stderr).toContain(`recorded ${lines.length} samples in ${trace}`);
    const csv = await runTool(["convert", trace, "-", "--to", "csv", "-q"]);
    const rows = csv.stdout
      .split("\n")
      .filter((row) => row.includes(",sample,"))
      .map((row) => row.split(","));
    expect(rows.map((row) => [Number(row[0]) / 1e9, Number(row[14])])).toEqual(
      lines.map(({ timeS, usedBytes }) => [timeS, usedBytes]),
    );
    expect(existsSync(`${trace}.journal.csv`)).toBe(false);
  });

  it("with -q shows changes of the level only", async () => {
    const { pid } = await growing(3, 100, 4);
    const { stdout, stderr } = await runTool([
      "watch",
      "--pid",
      String(pid),
      "--limit",
      "120MiB",
      "--json",
      "-q",
      ...FAST,
    ]);
    const lines = jsonLines(stdout);
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.every(({ changed }) => changed)).toBe(true);
    expect(stderr).not.toContain("watching");
  });

  it("names what a dry run would run, and runs nothing", async () => {
    const scratch = new Scratch();
    const words = [
      "--limit",
      "1MiB",
      "--on-action",
      `touch ${scratch.file("ran")}`,
      "--dry-run",
      "--for",
      "500ms",
    ];
    const { code, stderr } = await runTool(["watch", ...words, ...FAST]);
    expect(code).toBe(0);
    expect(stderr).toContain(`would run for emergency-cleanup: touch ${scratch.file("ran")}`);
    expect(existsSync(scratch.file("ran"))).toBe(false);
  });

  it("reports a program that fails, and goes on", async () => {
    const words = ["--limit", "1MiB", "--on-action", "echo no room >&2; exit 7", "--for", "1s"];
    const { code, stdout, stderr } = await runTool(["watch", ...words, ...FAST]);
    expect(code).toBe(0);
    expect(stderr).toContain("the program for emergency-cleanup ended with 7: no room");
    expect(stdout.trim().split("\n").length).toBeGreaterThan(8);
  });

  it.each([
    ["SIGINT", [], 0],
    ["SIGTERM", [], 0],
    ["SIGINT", ["--for", "1h"], 130],
  ] as const)(
    "ended by %s with %j completes its recording, and exits with %i",
    async (signal, words, expected) => {
      const scratch = new Scratch();
      const trace = scratch.file("out.rmt");
      const { child, outcome } = startTool(["watch", "--record", trace, ...FAST, ...words], { scratch });
      const journal = `${trace}.journal.csv`;
      await eventually(
        () => existsSync(journal) && readFileSync(journal, "utf8").split("\n").length > 6,
        10_000,
        "samples",
      );
      child.kill(signal);
      const { code, stderr } = await outcome;
      expect(code).toBe(expected);
      expect(stderr).toMatch(/recorded \d+ samples/);
      expect(existsSync(journal)).toBe(false);
      const { stdout } = await runTool(["inspect", trace, "--json", "-q"]);
      expect((JSON.parse(stdout) as { analysis: { samples: number } }).analysis.samples).toBeGreaterThan(4);
      expect(scratch.leftBehind()).toEqual([]);
    },
  );

  it("that is killed leaves a journal that is a trace, and the next one does not write over it", async () => {
    const scratch = new Scratch();
    const trace = scratch.file("out.rmt.gz");
    const { child, outcome } = startTool(["watch", "--record", trace, ...FAST], { scratch });
    const journal = `${trace}.journal.csv`;
    await eventually(
      () => existsSync(journal) && readFileSync(journal, "utf8").split("\n").length > 6,
      10_000,
      "samples",
    );
    child.kill("SIGKILL");
    await outcome;
    const next = await runTool(["watch", "--record", trace, "--for", "1s"]);
    expect(next.code).toBe(1);
    expect(next.stderr).toMatch(/left behind.*\n.*rustydb-mem convert/);
    expect((await runTool(["convert", journal, trace, "-q"])).code).toBe(0);
  });

  it("whose reader goes away says where the recording is", async () => {
    const scratch = new Scratch();
    const trace = scratch.file("out.rmt");
    const { child, outcome } = startTool(["watch", "--record", trace, ...FAST], { scratch });
    child.stdout?.once("data", () => child.stdout?.destroy());
    const { code, stderr } = await outcome;
    expect(code).toBe(0);
    expect(stderr).toContain(`what was recorded is in ${trace}.journal.csv`);
    expect(existsSync(`${trace}.journal.csv`)).toBe(true);
  });

  it("reads a configuration file, which the command line beats", async () => {
    const scratch = new Scratch();
    const file = scratch.file("my.toml");
    writeFileSync(file, '[watch]\ninterval = "100ms"\nlimit = "1MiB"\nthresholds = [10, 20, 30, 40]\n');
    const said = await runTool(["watch", "--config", file, "--for", "300ms", "--json"]);
    expect(jsonLines(said.stdout).at(-1)).toMatchObject({
      limitBytes: 1024 ** 2,
      thresholds: [0.1, 0.2, 0.3, 0.4],
    });
    const beaten = await runTool(["watch", "--config", file, "--limit", "2MiB", "--for", "300ms", "--json"]);
    expect(jsonLines(beaten.stdout).at(-1)?.limitBytes).toBe(2 * 1024 ** 2);
    writeFileSync(file, '[watch]\ninterval = "soon"\n');
    const wrong = await runTool(["watch", "--config", file]);
    expect(wrong.code).toBe(1);
    expect(wrong.stderr).toContain(`${file}:2:1: watch.interval: "soon" is not a time`);
  });

  it.each<[string, string[], RegExp]>([
    ["no such process", ["--pid", "4194999"], /no process 4194999\n.*pidof/],
    ["no such cgroup", ["--cgroup", "no/such"], /no (cgroup no\/such|cgroup file system)/],
    ["a limit of nothing", ["--limit", "0"], /a limit of 0/],
    ["no interval", ["--interval", "0"], /interval must be between 10ms and 1d/],
    ["no time", ["--for", "0"], /no time to watch/],
    ["two sources", ["--pid", "1", "--cgroup", "a"], /--pid and --cgroup exclude each other/],
    ["a number that is none", ["--pid", "init"], /"init" is no number of a process/],
    ["thresholds that fall", ["--thresholds", "90,80,70,60"], /four rising percentages/],
    ["too short a look ahead", ["--ahead", "5s"], /cannot look 5 s ahead/],
    ["a dry run of nothing", ["--dry-run"], /--dry-run needs the program/],
    ["an address that is none", ["--prometheus", "here"], /"here" is no address/],
    ["a port beyond all", ["--prometheus", ":70000"], /no address/],
    ["a recording of no known kind", ["--record", "/tmp/x.txt"], /name of the output does not say/],
    [
      "a recording that this Node may not be able to pack",
      ["--record", "/tmp/x.rmt.zst"],
      /not record into \.zst/,
    ],
    ["a recording nowhere", ["--record", "/no/such/folder/x.rmt"], /cannot be written/],
    ["no such model", ["--model", "oracle"], /Allowed choices are adaptive/],
    ["no such file", ["--config", "/no/such.toml"], /cannot be read/],
  ])("refuses %s", async (_, words, complaint) => {
    const { code, stdout, stderr } = await runTool(["watch", ...words]);
    expect(code).toBe(1);
    expect(stdout).toBe("");
    expect(stderr).toMatch(complaint);
    expect(stderr).not.toMatch(/ {4}at /);
  });
});

describe("watch --prometheus", { timeout: 60_000 }, () => {
  it("serves its metrics on loopback, and goes with the watch", async () => {
    const { child, outcome } = startTool(["watch", "--prometheus", ":0", ...FAST]);
    let said = "";
    child.stderr?.on("data", (text: string) => {
      said += text;
    });
    const url = await eventually(() => /metrics: (http:\S+)/.exec(said)?.[1], 10_000, "the address");
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/metrics$/);
    const response = await fetch(url);
    expect(response.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
    const text = await response.text();
    expect(text).toMatch(/^rustydb_mem_used_bytes \d+$/m);
    expect(text).toMatch(/^rustydb_mem_samples_total \d+$/m);
    expect(text).toMatch(
      /^rustydb_mem_watch_info\{source="the system",model="adaptive",version="[\d.]+"\} 1$/m,
    );
    expect(await (await fetch(new URL("/", url))).text()).toMatch(/href="\/metrics"/);
    expect((await fetch(new URL("/other", url))).status).toBe(404);
    expect((await fetch(url, { method: "POST" })).status).toBe(405);
    child.kill("SIGINT");
    expect((await outcome).code).toBe(0);
    await expect(fetch(url)).rejects.toThrow();
  });

  it("says that a port is in use", async () => {
    const server = createServer();
    onTestFinished(() => {
      server.close();
    });
    const port = await new Promise<number>((resolve) => {
      server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port));
    });
    const scratch = new Scratch();
    const trace = scratch.file("out.rmt");
    const { code, stderr } = await runTool(["watch", "--prometheus", `:${port}`, "--record", trace]);
    expect(code).toBe(1);
    expect(stderr).toContain(`somebody listens at 127.0.0.1:${port} already`);
    expect(existsSync(`${trace}.journal.csv`)).toBe(false);
  });
});
