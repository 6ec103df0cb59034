import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { command } from "../../src/commands/convert.js";
import { Interrupted, UserError } from "../../src/errors.js";
import type { Conversion } from "../../src/trace/event.js";
import { runTrace } from "../../src/trace/source.js";
import { androidText } from "../trace/packed.js";
import { play } from "./world.js";

// Two threads and times in µs steps: 1 is born before 100 µs and freed after, by the other thread.
const CSV = `time_ns,thread,event,id,new_id,size,align,zeroed,scope,dies_with_scope,parent,inherit,kind,text,used,total
0,11,alloc,1,,100,,,,,,,page-header,,,
50000,22,alloc,2,,5000,,,,,,,row,,,
60000,22,free,2,,,,,,,,,,,,
100000,11,alloc,3,,64,,,,,,,row,,,
150000,22,free,1,,,,,,,,,,,,
160000,11,realloc,3,4,9000,,,,,,,row,,,
200000,11,free,4,,,,,,,,,,,,
`;

let folder: string;
let csv: string;
let android: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "convert-test-"));
  csv = join(folder, "in.csv");
  android = join(folder, "in.txt");
  writeFileSync(csv, CSV);
  writeFileSync(android, `${androidText}7: free 0xdead\n`);
});
afterAll(() => rmSync(folder, { recursive: true }));

let outputs = 0;
function newPath(ending: string): string {
  outputs += 1;
  return join(folder, `out${outputs}${ending}`);
}

/** The events of a conversion, by type and with the columns asked for. */
async function rows(words: readonly string[], columns: readonly string[]): Promise<string[]> {
  const { stdout } = await play(command, [csv, "-", "--to", "csv", ...words]);
  const [header = "", ...lines] = stdout.toString().trimEnd().split("\n");
  const titles = header.split(",");
  return lines.map((line) => {
    const fields = line.split(",");
    return columns.map((column) => fields[titles.indexOf(column)]).join(" ");
  });
}

async function refused(words: readonly string[]): Promise<Error> {
  const error = await play(command, words).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(Error);
  return error as Error;
}

describe("convert", () => {
  it("writes what the name of the output says, and reports what it did", async () => {
    const path = newPath(".rmt.gz");
    const { stdout } = await play(command, [android, path]);
    expect(stdout.toString()).toMatch(/54 events, .* B an event\n/);
    expect(stdout.toString()).toMatch(/dropped {2}free of unknown block: 1 \(at 53\)/);
    expect(gunzipSync(readFileSync(path)).length).toBeGreaterThan(100);
    const { file, analysis } = await runTrace(path, { kind: "inspect" });
    expect(file).toMatchObject({ format: "rmt", wrappings: ["gz"] });
    expect(analysis?.eventsByType.alloc).toBe(51);
  });

  it("says the same in JSON, with the sizes before and after", async () => {
    const path = newPath(".csv");
    const { stdout } = await play(command, [android, path, "--json"]);
    const conversion = JSON.parse(stdout.toString()) as Conversion;
    expect(conversion.to).toEqual({ path, format: "csv", bytes: readFileSync(path).length });
    expect(conversion.from).toMatchObject({ bytes: readFileSync(android).length });
    expect(conversion.report.dropped).toBe(1);
    expect(conversion.resultEvents).toBe(54);
  });

  it("keeps the whole trace in CSV", async () => {
    const columns = ["time_ns", "thread", "event", "id", "new_id", "size", "kind"];
    const wanted = (await rows([], columns)).filter((row) => !row.includes("thread"));
    expect(wanted).toEqual([
      "0 11 alloc 1  100 page-header",
      "50000 22 alloc 2  5000 row",
      "60000 22 free 2   ",
      "100000 11 alloc 3  64 row",
      "150000 22 free 1   ",
      "160000 11 realloc 3 4 9000 row",
      "200000 11 free 4   ",
    ]);
  });

  it("--head keeps the first events", async () => {
    const all = await rows([], ["event", "id"]);
    expect(await rows(["--head", "3"], ["event", "id"])).toEqual(all.slice(0, 3));
    expect(await rows(["--head", "0"], ["event"])).toEqual([]);
    expect(await rows(["--head", "1000"], ["event", "id"])).toEqual(all);
  });

  it("--head of a large trace does not read the rest of it", async () => {
    const text = "8: malloc 0x9000 8\n8: free 0x9000\n".repeat(400_000);
    const path = join(folder, "large.txt");
    writeFileSync(path, `${text}8: rubbish\n`);
    const { stdout } = await play(command, [path, newPath(".rmt"), "--head", "10", "--json"]);
    expect(JSON.parse(stdout.toString())).toMatchObject({ resultEvents: 10, from: { sha256: null } });
  });

  it("--threads keeps the blocks of a thread, with frees by others", async () => {
    const kept = await rows(["--threads", "11"], ["event", "thread", "size"]);
    expect(kept.filter((row) => !row.startsWith("thread"))).toEqual([
      "alloc 11 100",
      "alloc 11 64",
      "free 22 ",
      "realloc 11 9000",
      "free 11 ",
    ]);
  });

  it("--size cuts a realloc out of the range into a free", async () => {
    const kept = await rows(["--size", "64..4KiB"], ["event", "size"]);
    expect(kept.filter((row) => !row.startsWith("thread"))).toEqual([
      "alloc 100",
      "alloc 64",
      "free ",
      "free ",
    ]);
    const large = await rows(["--size", "4KiB.."], ["event", "size"]);
    expect(large.filter((row) => !row.startsWith("thread"))).toEqual([
      "alloc 5000",
      "free ",
      "alloc 9000",
      "free ",
    ]);
  });

  it("--time keeps what was alive before, up to a mark start", async () => {
    const kept = await rows(["--time", "100us..160us"], ["event", "size", "text"]);
    expect(kept.filter((row) => !row.startsWith("thread"))).toEqual([
      "alloc 100 ",
      "mark  start",
      "alloc 64 ",
      "free  ",
    ]);
  });

  it("--no-times and --anonymise take out what they say", async () => {
    expect(new Set(await rows(["--no-times"], ["time_ns"]))).toEqual(new Set([""]));
    const kept = await rows(["--anonymise"], ["thread", "kind"]);
    expect(kept.join()).not.toMatch(/11|22|row|page/);
    expect(kept.join()).toMatch(/kind1/);
  });

  it("--mark-transactions marks what looks like them, and --no-transactions takes them out again", async () => {
    const path = join(folder, "phases.csv");
    const lines: string[] = [];
    for (let id = 1; id <= 100; id += 5) {
      const born = [id, id + 1, id + 2, id + 3];
      lines.push(...born.map((block) => `alloc,${block},64`), `alloc,${id + 4},8`);
      lines.push(...born.map((block) => `free,${block},`));
    }
    writeFileSync(path, `event,id,size\n${lines.join("\n")}\n`);
    const found = newPath(".rmt");
    await play(command, [path, found, "--mark-transactions"]);
    const { analysis } = await runTrace(found, { kind: "inspect" });
    expect(analysis?.transactions).toMatchObject({ begun: 20, commits: 20, outlivingBlocks: 20 });
    expect(analysis?.transactions.types[0]?.type).toBe("found");
    const without = newPath(".rmt");
    await play(command, [found, without, "--no-transactions"]);
    const again = (await runTrace(without, { kind: "inspect" })).analysis;
    expect(again?.transactions.begun).toBe(0);
    expect(again?.eventsByType.free).toBe(80);
  });

  it("writes .rmt to standard output, and the report beside it", async () => {
    const { stdout, stderr } = await play(command, [android, "-"]);
    const path = newPath(".rmt");
    writeFileSync(path, stdout);
    expect((await runTrace(path, { kind: "inspect" })).resultEvents).toBe(54);
    expect(stderr).toMatch(/54 events/);
  });

  it.each<[string, (path: string) => string[], RegExp]>([
    [
      "an output without a known ending",
      () => [android, join(folder, "out.txt")],
      /does not say what to write/,
    ],
    ["an output that is there", () => [android, csv], /exists already/],
    ["an output in no folder", () => [android, join(folder, "no", "out.rmt")], /no folder/],
    ["a size that is none", (path) => [android, path, "--size", "zebra"], /not a size/],
    ["a range that ends before it begins", (path) => [android, path, "--size", "2..1"], /ends before/],
    ["a range of nothing", (path) => [android, path, "--size", ".."], /not a range/],
    ["a time that is no range", (path) => [android, path, "--time", "5s"], /not a range/],
    ["a thread that is no number", (path) => [android, path, "--threads", "1,x"], /not a whole number/],
    ["times of a trace that has none", (path) => [android, path, "--time", "1s.."], /time/],
    ["two things on standard output", () => [android, "-", "--json"], /both/],
    [
      "marks where nothing looks like transactions",
      (path) => [csv, path, "--mark-transactions"],
      /looks like/,
    ],
    [
      "marks that are put in and left out",
      (path) => [csv, path, "--mark-transactions", "--no-transactions"],
      /exclude each other/,
    ],
    ["a trace that is none", (path) => [folder, path], /folder/],
  ])("refuses %s, and leaves nothing behind", async (_, words, message) => {
    const path = newPath(".rmt");
    const before = readdirSync(folder);
    expect((await refused(words(path))).message).toMatch(message);
    expect(existsSync(path)).toBe(false);
    expect(readdirSync(folder)).toEqual(before);
  });

  it("leaves nothing behind when a trace breaks off or the signal comes", async () => {
    const path = newPath(".rmt.gz");
    const broken = join(folder, "broken.gz");
    writeFileSync(broken, gzipSync(androidText).subarray(0, 100));
    const before = readdirSync(folder);
    expect(await refused([broken, path])).toBeInstanceOf(UserError);
    const abort = new AbortController();
    abort.abort();
    await expect(play(command, [android, path], abort.signal)).rejects.toBeInstanceOf(Interrupted);
    expect(readdirSync(folder)).toEqual(before);
  });

  it("--force replaces", async () => {
    const path = newPath(".rmt");
    writeFileSync(path, "old");
    await play(command, [android, path, "--force"]);
    expect(readFileSync(path).length).toBeGreaterThan(100);
  });
});
