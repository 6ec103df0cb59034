import { afterEach, describe, expect, it } from "vitest";
import type { ProgressView, RunProgress } from "../../src/measure/measurement-progress.js";
import { openLiveView } from "../../src/tui/live.js";
import { expectFrame, lastFrame, plain } from "./frames.js";
import { benching, timing, weighing } from "./progress.js";
import { terminal } from "./terminal.js";

const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 80));

let opened: (ProgressView & { close(): void }) | undefined;
afterEach(() => opened?.close());

async function show(progress: RunProgress, columns: number, rows: number) {
  const screen = terminal(columns, rows);
  const { stdin, stdout } = screen;
  const view = await openLiveView({ stdin, stdout, baseline: "malloc", onQuit: () => undefined });
  opened = view;
  await view.show(progress);
  return { ...screen, view, frame: () => lastFrame(screen.frames) };
}

const SIZES: readonly [number, number][] = [
  [80, 24],
  [200, 50],
];
const RUNS: readonly [string, () => RunProgress][] = [
  ["replay-timing", timing],
  ["replay-weighing", weighing],
  ["bench-first", () => benching(0)],
  ["bench-many", () => benching(9)],
];

describe("frames of the live view", () => {
  it.each(RUNS.flatMap(([name, run]) => SIZES.map(([columns, rows]) => [name, columns, rows, run] as const)))(
    "%s at %i × %i",
    async (name, columns, rows, run) => {
      const { frame } = await show(run(), columns, rows);
      const lines = frame().split("\n");
      expect(lines.length).toBeLessThan(rows);
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(columns);
      expectFrame(`${name}-${columns}x${rows}`, frame());
    },
  );

  it.each([
    [60, 16],
    [40, 10],
    [30, 4],
    [20, 2],
    [300, 90],
  ])("fits in %i × %i, whatever is shown", async (columns, rows) => {
    for (const [, run] of RUNS) {
      const { frames, view } = await show(run(), columns, rows);
      for (const frame of frames.map((each) => lastFrame([each]))) {
        expect(frame.split("\n").length).toBeLessThanOrEqual(Math.max(1, rows - 1));
        expect(Math.max(...frame.split("\n").map((line) => line.length))).toBeLessThanOrEqual(columns);
      }
      view.close();
    }
  });

  it("has no white and no black letters, and no background of its own", async () => {
    const { frames } = await show(timing(), 120, 40);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are escape sequences
    expect(frames.join("")).not.toMatch(/\x1b\[(30|37|90|97|4\d|10\d)m/);
  });
});

describe("keys", () => {
  const charted = (frame: string): string | undefined => /^(\w+): memory/m.exec(frame)?.[1];

  it("pick an allocator, which stays while others are at work; f follows again", async () => {
    const { frame, type, view } = await show(weighing(), 100, 30);
    expect(charted(frame())).toBe("jemalloc");
    for (const [key, name] of [
      ["\x1b[A", "malloc"],
      ["k", "rustydb"],
      ["j", "malloc"],
      ["\x1b[B", "jemalloc"],
      ["k", "malloc"],
    ] as const) {
      type(key);
      await settle();
      expect(charted(frame()), `behind ${JSON.stringify(key)}`).toBe(name);
    }
    expect(frame()).toMatch(/^▸ malloc/m);
    await view.show({ ...timing(), allocator: "tcmalloc" });
    expect(charted(frame())).toBe("malloc");
    await view.show({ ...weighing(), allocator: "rustydb" });
    type("f");
    await settle();
    expect(charted(frame())).toBe("rustydb");
  });

  it("go round at the ends", async () => {
    const { frame, type } = await show({ ...weighing(), allocator: "rustydb" }, 100, 30);
    type("k");
    await settle();
    expect(frame()).toMatch(/^▸ tcmalloc/m);
    expect(frame()).toContain("tcmalloc: not weighed yet");
    type("j");
    await settle();
    expect(frame()).toMatch(/^▸ rustydb/m);
  });

  it("h and ? show what the keys are, and hide it", async () => {
    const { frame, type } = await show(weighing(), 80, 24);
    expect(frame()).not.toContain("f follows");
    type("h");
    await settle();
    expect(frame()).toContain("f follows");
    expect(frame().split("\n").length).toBeLessThan(24);
    type("?");
    await settle();
    expect(frame()).not.toContain("f follows");
  });

  it("in a timed round draw nothing, nor does another size; both are seen at the next word", async () => {
    const { frames, frame, type, resize, view } = await show(timing(), 100, 30);
    const count = frames.length;
    type("j");
    type("h");
    resize(80, 24);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(frames.length).toBe(count);
    await view.show({ ...timing(), allocator: "rustydb", round: 5 });
    expect(frame()).toContain("f follows");
    expect(charted(frame())).toBe("mimalloc");
    expect(
      Math.max(
        ...frame()
          .split("\n")
          .map((line) => line.length),
      ),
    ).toBeLessThanOrEqual(80);
  });

  it("are drawn at once where nothing is timed, and so is another size", async () => {
    const { frame, resize } = await show(weighing(), 100, 30);
    resize(200, 50);
    await settle();
    expect(frame().split("\n").length).toBeGreaterThan(45);
    resize(60, 14);
    await settle();
    expect(frame().split("\n").length).toBeLessThan(14);
  });
});

describe("a terminal that changed its size", () => {
  const UP = "\x1b[2K\x1b[1A";
  const linesUp = (text: string | undefined): number => (text ?? "").split(UP).length - 1;

  it("is wiped of as many lines as the frame takes there, not as it had, and of no more by Ink", async () => {
    const { frames, frame, resize } = await show(weighing(), 100, 30);
    const lines = frame().split("\n");
    const wrapped = lines.reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / 50)), 0);
    frames.length = 0;
    resize(50, 30);
    await settle();
    // Lines that end in blanks are as wide as they were written.
    expect(linesUp(frames[0])).toBeGreaterThanOrEqual(wrapped);
    expect(linesUp(frames[0])).toBeLessThanOrEqual(2 * lines.length);
    expect(frames.slice(1).map(linesUp)).toEqual(frames.slice(1).map(() => 0));
  });

  it("has the frame again where it is the same in the new size", async () => {
    const { frames, resize, stdout, stdin } = terminal(80, 24);
    const view = await openLiveView({ stdin, stdout, baseline: "malloc", onQuit: () => undefined });
    opened = view;
    await settle();
    expect(lastFrame(frames)).toBe("starting…");
    frames.length = 0;
    resize(90, 30);
    await settle();
    expect(lastFrame(frames)).toBe("starting…");
  });

  it("keeps its scrollback where it became less tall than the frame was", async () => {
    const { frames, resize } = await show(weighing(), 100, 40);
    resize(100, 20);
    await settle();
    resize(60, 10);
    await settle();
    expect(frames.join("")).not.toMatch(/\[[23]J/);
  });

  it("in a timed round is given back clean all the same", async () => {
    const { frames, frame, resize, view } = await show(timing(), 100, 30);
    const tall = frame().split("\n").length;
    frames.length = 0;
    resize(50, 30);
    view.close();
    await settle();
    expect(linesUp(frames.join(""))).toBeGreaterThan(tall);
    expect(plain(frames.join("")).trim()).toBe("");
    expect(frames.at(-1)).toBe("\x1b[?25h");
  });
});
