import { describe, expect, it } from "vitest";
import { readDate } from "../../src/pressure/csv-cells.js";
import { chooseColumns } from "../../src/pressure/csv-columns.js";
import type { Series } from "../../src/pressure/series.js";
import { errorOf, seriesOf } from "./reading.js";

const MIB = 1024 ** 2;
const column = async (text: string, name: keyof Series["columns"], options = {}): Promise<number[]> => [
  ...(await seriesOf(text, options)).columns[name],
];
/** Rows of these used bytes, a second apart. */
const rows = (...used: (number | string)[]): string =>
  `time,used\n${used.map((bytes, at) => `${at},${bytes}\n`).join("")}`;

describe("columns of a CSV file", () => {
  const taken = (header: string, names = {}): Record<string, string> =>
    Object.fromEntries(
      chooseColumns(header.split(","), names, "f.csv", 1).map(({ role, header: taken, unit }) => [
        role,
        `${taken} ${unit === null ? "" : unit.kind === "bytes" ? unit.bytes : unit.kind === "time" ? unit.perSecond : "%"}`.trim(),
      ]),
    );

  it.each<[string, Record<string, string>]>([
    ["timestamp,interval,memory.rss,memory.heapUsed", { time: "timestamp", used: "memory.rss" }],
    [
      "Time (ms),Used (MiB),Total (MiB)",
      { time: "Time (ms) 1000", used: "Used (MiB) 1048576", total: "Total (MiB) 1048576" },
    ],
    [
      "time_s,used_bytes,total_bytes,swap_bytes",
      { time: "time_s 1", used: "used_bytes 1", total: "total_bytes 1", swap: "swap_bytes 1" },
    ],
    ["ts,MemTotal,MemAvailable,MemFree", { time: "ts", available: "MemAvailable", total: "MemTotal" }],
    [
      "time,container_memory_working_set_bytes,container_memory_rss",
      { time: "time", used: "container_memory_working_set_bytes 1" },
    ],
    ["timestamp,kbmemfree,kbmemused,%memused", { time: "timestamp", used: "kbmemused 1024" }],
    ["date,mem_used_kb,limit.mb", { time: "date", used: "mem_used_kb 1024", total: "limit.mb 1048576" }],
    [
      "t,memory_usage_percent,psi_some_avg10",
      { time: "t", used: "memory_usage_percent %", psi: "psi_some_avg10" },
    ],
    [
      "timeMs,usedBytes,allocatedBytes,freedBytes",
      { time: "timeMs 1000", used: "usedBytes 1", allocated: "allocatedBytes 1", freed: "freedBytes 1" },
    ],
    [
      "elapsed_ns,used_memory,maxmemory",
      { time: "elapsed_ns 1000000000", used: "used_memory", total: "maxmemory" },
    ],
  ])("are known by their headers: %s", (header, expected) => {
    expect(taken(header)).toEqual(expected);
  });

  it("are taken by the names or numbers that the user gives", () => {
    expect(taken("when,a,b,rss", { used: "b" })).toEqual({ time: "when", used: "b" });
    expect(taken("x,used,left", { time: "1", available: "left" })).toEqual({ time: "x", available: "left" });
    expect(() => taken("time,used", { used: "heap" })).toThrow(/no column "heap"/);
  });

  it("are missed where there is none for time or usage, with the names there are", async () => {
    expect(await errorOf(seriesOf("a,used\n1,2\n"))).toMatchObject({
      code: "no-time",
      line: 1,
      remedy: /a, used/,
    });
    expect(await errorOf(seriesOf("\ntime,cpu\n1,2\n"))).toMatchObject({ code: "no-usage", line: 2 });
  });

  it("are said in the notes", async () => {
    const { notes } = await seriesOf("Zeit;used_kb\n0;1\n1;2\n", { columns: { time: "Zeit" } });
    expect(notes).toEqual(['columns: time from "Zeit" (s, by its magnitude), used from "used_kb" (KiB)']);
  });

  it("need no header row where all that is needed has a number", async () => {
    expect(await column("5,10\n6,20\n", "usedBytes", { columns: { time: "1", used: "2" } })).toEqual([
      10, 20,
    ]);
    expect(await errorOf(seriesOf("5,10\n6,20\n"))).toMatchObject({ code: "no-header", line: 1 });
  });
});

describe("times in a CSV file", () => {
  it.each<[string, string[], number[]]>([
    ["seconds", ["10", "10.5", "12"], [0, 0.5, 2]],
    ["seconds since 1970", ["1700000000", "1700000001"], [0, 1]],
    ["milliseconds since 1970", ["1700000000001", "1700000009822"], [0, 9.821]],
    ["microseconds since 1970", ["1700000000000000", "1700000000000250"], [0, 0.00025]],
    ["nanoseconds since 1970", ["1700000000000000000", "1700000002000000000"], [0, 2]],
    ["dates", ["2026-03-01T00:00:00Z", "2026-03-01T01:00:00.5+00:30"], [0, 1800.5]],
    ["dates without a zone", ["2026-02-28 23:59:59", "2026-03-01 00:00:00"], [0, 1]],
    ["negative ones", ["-5", "-4"], [0, 1]],
  ])("may be %s", async (_, times, expected) => {
    expect(await column(`time,used\n${times.map((time) => `${time},1`).join("\n")}\n`, "timeS")).toEqual(
      expected,
    );
  });

  it("say their zone and unit in the notes", async () => {
    expect((await seriesOf("time,used\n2026-01-01,1\n2026-01-02,2\n")).notes.join()).toMatch(
      /dates without a time zone/,
    );
    expect((await seriesOf("time,used\n1700000000000,1\n1700000000500,2\n")).notes[0]).toMatch(
      /time from "time" \(ms, by/,
    );
  });

  it.each(["12:00:05", "yesterday", "2026-13-01", "2026-02-30", "1e", "0x10"])("are not %s", async (time) => {
    const text = `time,used\n${time},1\n`;
    expect(await errorOf(seriesOf(text))).toMatchObject({
      code: "bad-cell",
      line: 2,
      message: expect.stringContaining(time),
    });
  });

  it("cannot be dates and numbers in one file", async () => {
    expect(await errorOf(seriesOf("time,used\n1,1\n2026-01-01,2\n"))).toMatchObject({
      code: "bad-cell",
      line: 3,
    });
    expect(await errorOf(seriesOf("time,used\n2026-01-01,2\n5,1\n"))).toMatchObject({
      code: "bad-cell",
      line: 3,
    });
  });

  it("take leap seconds and fractions", () => {
    expect(readDate("2016-12-31T23:59:60Z")?.seconds).toBe(1483228800);
    expect(readDate("2016-12-31T23:59:59.25-02:00")?.seconds).toBe(1483235999.25);
  });
});

describe("readings in a CSV file", () => {
  it("have the unit of the header, or their own", async () => {
    expect(await column(rows("12 MiB", "1.5G", "100", "2 kB", "1e3"), "usedBytes")).toEqual([
      12 * MIB,
      1536 * MIB,
      100,
      2048,
      1000,
    ]);
    expect(await column("time,used (KiB)\n0,1.25\n1,2\n", "usedBytes")).toEqual([1280, 2048]);
  });

  it("may be quoted, padded, separated by semicolons or tabs, end in CRLF, or follow a byte order mark", async () => {
    const text = '\ufeff"time";"used, of all"\r\n"0"; " 1 "\r\n\r\n1;"2"';
    expect(await column(text, "usedBytes", { columns: { used: "2" } })).toEqual([1, 2]);
    expect(await column('time\tused\tnote\n0\t1\t\n1\t2\t"a\nb ""c"" "\n2\t3\tx\n', "usedBytes")).toEqual([
      1, 2, 3,
    ]);
  });

  it("of available memory become usage", async () => {
    const text = "time,available,total\n0,30,100\n1,20,\n2,50,200\n";
    expect(await column(text, "usedBytes")).toEqual([70, 80, 150]);
    expect(await column(text, "totalBytes")).toEqual([100, 100, 200]);
    expect(await column("time,free\n0,30\n1,20\n", "usedBytes", { totalBytes: 100 })).toEqual([70, 80]);
  });

  it("of available memory alone count from the most that was available", async () => {
    const { columns, notes } = await seriesOf("time,MemAvailable (MiB)\n0,30\n1,40\n2,10\n");
    expect([...columns.usedBytes]).toEqual([10 * MIB, 0, 30 * MIB]);
    expect([...columns.totalBytes]).toEqual([40 * MIB, 40 * MIB, 40 * MIB]);
    expect(notes.join()).toMatch(/usage counts from the most that was ever available \(40\.0 MiB\)/);
  });

  it("in percent are of the total, or of 100", async () => {
    const { columns, notes } = await seriesOf("time,used\n0,45%\n1,50 %\n");
    expect([[...columns.usedBytes], [...columns.totalBytes]]).toEqual([
      [45, 50],
      [100, 100],
    ]);
    expect(notes.join()).toMatch(/usage is in percent, and the total is 100/);
    expect(await column("time,used_pct,total\n0,50,400\n1,25,400\n", "usedBytes")).toEqual([200, 100]);
    expect(await column("time,available_percent\n0,30\n1,20\n", "usedBytes")).toEqual([70, 80]);
  });

  it("besides usage may be missing", async () => {
    const text = "time,used,total,swap,psi,allocated,freed\n0,1,,0,0.5%,10,5\n1,2,9,null,,20,\n";
    const { columns } = await seriesOf(text);
    expect([...columns.totalBytes]).toEqual([Number.NaN, 9]);
    expect([...columns.swapBytes]).toEqual([0, Number.NaN]);
    expect([...columns.psiPercent]).toEqual([0.5, Number.NaN]);
    expect([...columns.allocatedBytes]).toEqual([10, 20]);
    expect([...columns.freedBytes]).toEqual([5, Number.NaN]);
  });

  it("keep their total where it changes, and their irregular steps and gaps", async () => {
    const text =
      "time,used,limit\n0,1,10\n1,2,10\n1.5,3,20\n3,2,20\n900,4,20\n901,5,20\n902,5,20\n903,5,20\n904,5,20\n905,5,20\n";
    const { columns, notes } = await seriesOf(text);
    expect([...columns.timeS]).toEqual([0, 1, 1.5, 3, 900, 901, 902, 903, 904, 905]);
    expect([...columns.totalBytes].slice(0, 4)).toEqual([10, 10, 20, 20]);
    expect(notes.at(-1)).toBe("one gap of more than ten steps of 1.00 s, the longest of 14m 57s");
  });

  it("keep what was allocated since the whole file, whatever the names of the columns", async () => {
    expect(
      await column("t,m,a\n0,1,5\n1,2,7\n", "allocatedBytes", { columns: { used: "m", allocated: "a" } }),
    ).toEqual([5, 7]);
  });
});

describe("what is odd in a CSV file", () => {
  it("is left out and counted where usage is not known", async () => {
    const { columns, notes } = await seriesOf(rows(1, "", "NaN", "n/a", "-", 6));
    expect([...columns.timeS]).toEqual([0, 5]);
    expect(notes).toContain("4 readings left out, which say no usage");
  });

  it("is left out and counted where the time does not increase", async () => {
    const { columns, notes } = await seriesOf("time,used\n0,1\n5,2\n5,3\n4,4\n6,5\n7,1\n");
    expect([...columns.usedBytes]).toEqual([1, 2, 5, 1]);
    expect(notes).toContain(
      "2 readings left out, whose time is not after that of the one before (first in line 4)",
    );
  });

  it("is an error where most times do not increase", async () => {
    const text = `time,used\n${[9, 8, 7, 6].map((time) => `${time},1\n`).join("")}`;
    expect(await errorOf(seriesOf(text))).toMatchObject({ code: "unsorted", line: 3, remedy: /Sort/ });
  });

  it("is no limit where the total is 0, or more than there can be", async () => {
    const { columns, notes } = await seriesOf(
      "time,used,limit\n0,1,0\n1,2,9223372036854771712\n2,3,max\n3,4,8\n",
    );
    expect([...columns.totalBytes]).toEqual([Number.NaN, Number.NaN, Number.NaN, 8]);
    expect(notes.join()).toMatch(/in 3 readings: taken as no limit/);
  });

  it("is kept where more is used than there is now and then, and an error where it mostly is", async () => {
    const { columns, notes } = await seriesOf("time,used,total\n0,1,10\n1,11,10\n2,3,10\n");
    expect([...columns.usedBytes]).toEqual([1, 11, 3]);
    expect(notes).toContain("more is used than there is in one reading (first in line 3): kept as it is");
    expect(await errorOf(seriesOf("time,used,total\n0,1,10\n1,11,10\n2,13,10\n"))).toMatchObject({
      code: "used-above-total",
      line: 3,
      remedy: /units/,
    });
    expect(await errorOf(seriesOf("time,available,total\n0,1,10\n1,11,10\n"))).toMatchObject({
      code: "available-above-total",
      line: 3,
    });
  });

  it("is said where usage never changes", async () => {
    expect((await seriesOf(rows(5, 5, 5))).notes).toContain("usage never changes");
  });

  it.each<[string, string, string, number | undefined]>([
    ["nothing", "", "empty", undefined],
    ["only empty lines", "\n\n", "not-a-series", undefined],
    ["a header row alone", "time,used\n", "no-readings", undefined],
    ["no reading that is known", rows("", ""), "no-readings", undefined],
    ["one reading", rows(1), "one-reading", 2],
    ["a negative reading", rows(1, 2, -3), "negative-reading", 4],
    ["text", rows(1, "lots"), "bad-cell", 3],
    ["infinity", rows(1, "Infinity"), "bad-cell", 3],
    ["a decimal comma", "time;used\n0;1,5\n", "bad-cell", 2],
    ["an unknown unit", rows(1, "5 XiB"), "bad-cell", 3],
    ["percent and bytes in one column", rows("5%", "5 MiB"), "bad-cell", 3],
    ["a row of another length", "time,used\n0,1\n1,2,3\n", "bad-csv", 3],
    ["a quote that is never closed", 'time,used\n0,"1\n1,2\n', "bad-csv", 2],
    ["a quote that swallows the file", `time,used\n0,"1\n${"1,2\n".repeat(30_000)}`, "bad-csv", 2],
    ["prose", "These are the readings of my machine.\n", "not-a-series", undefined],
    ["bytes", "a,b\0c,d\n", "not-a-series", undefined],
  ])("is an error with its line: %s", async (_, text, code, line) => {
    const error = await errorOf(seriesOf(text));
    expect({ code: error.code, line: error.line }).toEqual({ code, line });
    expect(error.place()).toMatch(/readings\.csv/);
  });

  it("is found in the right line behind a quoted line end and at any place of a piece", async () => {
    const long = Array.from({ length: 200_000 }, (_, at) => `${at},${at % 977},"x${at}"`).join("\n");
    const text = `time,used,note\n${long}\n300000,1,"two\nlines"\n300001,oops,\n`;
    expect(await errorOf(seriesOf(text))).toMatchObject({ code: "bad-cell", line: 200_004 });
    const { columns } = await seriesOf(text.replace("oops", "3"));
    expect(columns.timeS.length).toBe(200_002);
    expect(columns.usedBytes[199_999]).toBe(199_999 % 977);
  });
});
