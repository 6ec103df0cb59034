import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { readSeries, readSeriesFrom } from "../../src/pressure/read-series.js";
import { isEarlyoom } from "../../src/pressure/series-earlyoom.js";
import { runTrace } from "../../src/trace/source.js";
import { errorOf, scratch, seriesOf } from "./reading.js";

const MIB = 1024 ** 2;
const shared = fileURLToPath(new URL("../../../shared/data/series", import.meta.url));
const archives = "/var/lib/pcp/testsuite/archives";
const hasShared = existsSync(shared);
const hasArchives = existsSync(archives);
if (!hasShared) process.stderr.write(`skipped: the tests on real series, since ${shared} is not there\n`);
if (!hasArchives)
  process.stderr.write(
    `skipped: the tests on archives of Performance Co-Pilot, since ${archives} is not there\n`,
  );

const allocations = [
  "time_ns,thread,event,id,new_id,size,used,total",
  "0,0,sample,,,,1000,8000",
  "1000000000,0,alloc,1,,100,,",
  "2000000000,0,realloc,1,2,150,,",
  "2500000000,0,sample,,,,1200,8000",
  "3000000000,0,free,2,,,,",
  "4000000000,0,sample,,,,1100,8000",
].join("\n");

/** The same as a canonical trace. */
async function rmtOf(csv: string): Promise<Buffer> {
  const path = join(scratch(), "trace.csv");
  writeFileSync(path, csv);
  const pieces: Buffer[] = [];
  await runTrace(path, { kind: "rmt" }, { onOutput: (bytes) => void pieces.push(bytes) });
  return Buffer.concat(pieces);
}

describe("the series of a trace", () => {
  it("has its samples, with what was allocated and freed by each", async () => {
    for (const content of [allocations, await rmtOf(allocations), gzipSync(await rmtOf(allocations))]) {
      const { name, origin, columns, notes } = await seriesOf(content, {}, "trace.any");
      expect([name, origin, notes]).toEqual(["trace.any", "trace", []]);
      expect([...columns.timeS]).toEqual([0, 2.5, 4]);
      expect([...columns.usedBytes]).toEqual([1000, 1200, 1100]);
      expect([...columns.totalBytes]).toEqual([8000, 8000, 8000]);
      expect([...columns.swapBytes]).toEqual([Number.NaN, Number.NaN, Number.NaN]);
      expect([...columns.psiPercent]).toEqual([Number.NaN, Number.NaN, Number.NaN]);
      expect([...columns.allocatedBytes]).toEqual([0, 250, 250]);
      expect([...columns.freedBytes]).toEqual([0, 100, 250]);
    }
  });

  it("says nothing of blocks where the trace has none, and takes the total that is given", async () => {
    const samples = "time_ns,event,id,used,total\n0,sample,,5,0\n1000000000,sample,,6,0\n";
    expect((await seriesOf(samples)).origin).toBe("watch");
    expect([...(await seriesOf(samples)).columns.allocatedBytes]).toEqual([Number.NaN, Number.NaN]);
    expect([...(await seriesOf(samples)).columns.totalBytes]).toEqual([Number.NaN, Number.NaN]);
    expect([...(await seriesOf(samples, { totalBytes: 10 })).columns.totalBytes]).toEqual([10, 10]);
  });

  it("is missed where the trace has no samples, or those no times", async () => {
    const error = await errorOf(seriesOf("time_ns,event,id,size\n0,alloc,1,5\n"));
    expect(error).toMatchObject({ code: "no-samples", remedy: /--sample-memory.*replay --forecast/ });
    expect(await errorOf(seriesOf("event,id,used,total\nsample,,5,9\nsample,,6,9\n"))).toMatchObject({
      code: "no-times",
    });
  });

  it("tells where the trace is wrong", async () => {
    const twice = "time_ns,event,id,size,used,total\n0,sample,,,5,9\n1,free,7,,,\n1000,sample,,,5,9\n";
    const { notes } = await seriesOf(twice);
    expect(notes.join()).toMatch(/usage never changes/);
    const rmt = (await rmtOf(allocations)).fill(0xff, 40, 60);
    expect((await errorOf(seriesOf(rmt, {}, "x.rmt"))).place()).toMatch(/x\.rmt/);
  });
});

describe("packed and piped series", () => {
  it("are unpacked, and refused where they are cut off", async () => {
    const packed = gzipSync(
      `time,used\n${Array.from({ length: 5000 }, (_, at) => `${at},${(at * 7919) % 9973}\n`).join("")}`,
    );
    expect((await seriesOf(packed)).columns.timeS.length).toBe(5000);
    expect(await errorOf(seriesOf(packed.subarray(0, packed.length - 200)))).toMatchObject({
      code: "truncated",
    });
  });

  it("come through a pipe, traces too", async () => {
    const folder = scratch();
    for (const content of [Buffer.from("time,used\n0,1\n1,2\n"), await rmtOf(allocations)]) {
      const [pipe, file] = [join(folder, `pipe${content.length}`), join(folder, `file${content.length}`)];
      writeFileSync(file, content);
      execFileSync("mkfifo", [pipe]);
      execFileSync("sh", ["-c", `cat "${file}" > "${pipe}" &`], { stdio: "ignore" });
      const [series] = await readSeries(pipe);
      expect(series?.name).toBe(`pipe${content.length}`);
      expect(series?.columns.timeS.length).toBeGreaterThan(1);
    }
  });
});

const oomstat = `# a comment
     | /proc/meminfo     | /proc/pressure/memory
Time | MemAvail SwapFree | some avg10 full avg10
   s |      MiB      MiB |    %     %    %     %
     -                   -
 0.0 |     500      600 |    0     0    0     0
 0.1 |     700      610 |  110    45    0     7
[...]
 9.9 |     100      400 |   12    40    0     7
`;

describe("readings of earlyoom", () => {
  it("count usage and swap from the most that was free", async () => {
    expect(isEarlyoom(oomstat)).toBe(true);
    const { origin, columns, notes } = await seriesOf(oomstat);
    expect(origin).toBe("earlyoom");
    expect([...columns.timeS]).toEqual([0, 0.1, 9.9]);
    expect([...columns.usedBytes]).toEqual([200 * MIB, 0, 600 * MIB]);
    expect([...columns.totalBytes]).toEqual([700 * MIB, 700 * MIB, 700 * MIB]);
    expect([...columns.swapBytes]).toEqual([10 * MIB, 0, 210 * MIB]);
    expect([...columns.psiPercent]).toEqual([0, 45, 40]);
    expect(notes.join("; ")).toMatch(/most that was ever available \(700 MiB\).*most that was ever free/);
  });

  it("take the total that is given", async () => {
    const { columns } = await seriesOf(oomstat, { totalBytes: 1000 * MIB });
    expect([...columns.usedBytes]).toEqual([500 * MIB, 300 * MIB, 900 * MIB]);
    expect(await errorOf(seriesOf(oomstat, { totalBytes: MIB }))).toMatchObject({
      code: "available-above-total",
      line: 6,
    });
  });

  it("are refused at a line that is none", async () => {
    expect(await errorOf(seriesOf(`${oomstat} 10.0 |  -5  1 | 1 2 3 4\n`))).toMatchObject({
      code: "bad-line",
      line: 10,
    });
  });
});

describe("folders of series", () => {
  it("are walked, and what is none is handed back with its reason", async () => {
    const folder = scratch();
    mkdirSync(join(folder, "below"));
    writeFileSync(join(folder, "b.csv"), "time,used\n0,1\n1,2\n");
    writeFileSync(join(folder, "below", "a.txt"), oomstat);
    writeFileSync(join(folder, "README"), "Readings.\n");
    const skipped: string[] = [];
    const series = await readSeriesFrom([folder], {
      onSkipped: (path, error) => skipped.push(`${path.slice(folder.length)} ${error.code}`),
    });
    expect(series.map(({ name }) => name)).toEqual(["b.csv", "below/a.txt"]);
    expect(series[0]?.origin).toMatch(/^csv:series-test-/);
    expect(skipped).toEqual(["/README not-a-series"]);
  });

  it("without any are an error, as is what is not there", async () => {
    const folder = scratch();
    expect(await errorOf(readSeriesFrom([folder]))).toMatchObject({ code: "no-series" });
    writeFileSync(join(folder, "x"), "x");
    expect(await errorOf(readSeriesFrom([folder]))).toMatchObject({
      code: "no-series",
      message: /not|no series/,
    });
    expect(await errorOf(readSeriesFrom([join(folder, "y")]))).toMatchObject({ code: "file-not-found" });
  });

  it("stop at the signal", async () => {
    const folder = scratch();
    writeFileSync(join(folder, "b.csv"), "time,used\n0,1\n1,2\n");
    expect(await errorOf(readSeriesFrom([folder], { signal: AbortSignal.abort() }))).toMatchObject({
      code: "interrupted",
    });
  });
});

describe.skipIf(!hasShared)("real series", () => {
  it("are all read, with what is in them", async () => {
    const names = readdirSync(shared);
    const series = await readSeries(shared);
    expect(series.map(({ name }) => name).sort()).toEqual(names.sort());
    for (const { name, columns, origin } of series) {
      expect(origin).toBe(name.startsWith("earlyoom") ? "earlyoom" : "csv:series");
      expect(columns.usedBytes.every((bytes) => bytes >= 0)).toBe(true);
    }
    const overload = series.find(({ name }) => name === "earlyoom-overload.txt");
    expect(overload?.notes.join()).toMatch(/2 gaps .* the longest of 93\.7 s/);
    expect(Math.max(...(overload?.columns.psiPercent ?? []))).toBeGreaterThan(90);
    const node = series.find(({ name }) => name === "clinic-slow-gc.csv");
    expect(node?.columns.usedBytes.length).toBe(5014);
    expect(node?.columns.timeS.at(-1)).toBe(60.268);
  });
});

describe.skipIf(!hasArchives)("archives of Performance Co-Pilot", () => {
  const archive = (name: string): string => join(archives, name);

  it("are named by their base or any of their files, packed or not", async () => {
    for (const name of ["pcp-zeroconf", "pcp-zeroconf.index", "pcp-zeroconf.meta", "pcp-zeroconf.0.xz"]) {
      const [series] = await readSeries(archive(name));
      expect(series).toMatchObject({ name: "pcp-zeroconf", origin: "pcp" });
      expect(series?.columns.timeS.length).toBe(66);
      expect(series?.columns.totalBytes[0]).toBe(16064800 * 1024);
      expect(series?.columns.usedBytes[0]).toBe((16064800 - 2280968) * 1024);
      expect(series?.columns.swapBytes[0]).toBe(10788327424);
      // Readings before it was first logged do not know it.
      expect(series?.columns.psiPercent[1]).toBeCloseTo(4.21, 5);
    }
  });

  it("say where the logger was stopped, and keep what does not change", async () => {
    const [series] = await readSeries(archive("pmiostat_mark"));
    expect(series?.notes.join("; ")).toMatch(
      /usage is mem\.physmem − mem\.util\.available; the logger was stopped once/,
    );
    expect(series?.columns.usedBytes.some(Number.isNaN)).toBe(false);
  });

  it("make do with free memory and caches where nothing says what is available", async () => {
    const [series] = await readSeries(archive("20041125"));
    expect(series?.notes.join()).toMatch(
      /mem\.util\.free \+ mem\.util\.bufmem \+ mem\.util\.cached stands for it/,
    );
    expect(series?.columns.usedBytes[0]).toBe(181813248);
    const [billing] = await readSeries(archive("20130706"));
    expect(billing?.notes.join()).toMatch(/nothing says how much memory there is/);
  });

  it("tell what is wrong with them", async () => {
    expect(await errorOf(readSeries(archive("bug-1044")))).toMatchObject({ code: "no-memory-metrics" });
    const [broken] = await readSeries(archive("multi-corrupted/20150508.11.50"));
    expect(broken?.notes.join()).toMatch(/pmdumplog stopped with: .*Corrupted record/);
    const folder = scratch();
    copyFileSync(archive("gap.0"), join(folder, "gap.0"));
    expect(await errorOf(readSeries(join(folder, "gap.0")))).toMatchObject({ code: "lone-archive-file" });
    for (const part of ["meta", "index", "0"])
      writeFileSync(join(folder, `bad.${part}`), "no archive at all");
    expect(await errorOf(readSeries(join(folder, "bad")))).toMatchObject({
      code: "bad-archive",
      message: /bad/,
    });
  });

  it("say which package has their tools where these are missing", async () => {
    const path = process.env.PATH;
    process.env.PATH = scratch();
    try {
      expect(await errorOf(readSeries(archive("pcp-free")))).toMatchObject({
        code: "pcp-missing",
        remedy: /apt-get install pcp/,
      });
    } finally {
      process.env.PATH = path;
    }
  });
});
