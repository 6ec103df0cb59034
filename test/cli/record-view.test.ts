import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { expectFrame, shape } from "../tui/frames.js";
import { Terminal } from "./tmux.js";
import { bin, eventually, runTool, Scratch } from "./tool.js";

interface Program {
  /** Of a shell, behind what it says on both streams. */
  readonly script?: string;
  /** Options of record. */
  readonly words?: string;
  readonly setting?: string;
  /** What stands before the command, as `echo word |`. */
  readonly input?: string;
}

/** Has processes that allocate, as long as there is no file `stop`. */
const UNTIL_STOPPED =
  'n=0; while [ ! -e "$1" ]; do n=$((n + 1)); ls / > /dev/null; echo line $n; sleep 0.05; done';

function record({
  script = UNTIL_STOPPED,
  words = "--program-output",
  setting = "",
  input = "",
}: Program = {}) {
  const scratch = new Scratch();
  const file = (name: string): string => scratch.file(name);
  writeFileSync(file("program.sh"), `echo on the output; echo on the error >&2\n${script}\n`);
  const options = `-o ${file("out.rmt.gz")} ${words.replace("--program-output", `$& ${file("log")}`)}`;
  const program = `sh ${file("program.sh")} ${file("stop")}`;
  // A shell that is not interactive would end with its child by Ctrl-C.
  const command = [
    `trap : INT; stty -a > ${file("before")}; echo above`,
    `${input} ${setting} ${process.execPath} ${bin} record ${options} -- ${program}; echo "ended with $?"`,
    `stty -a > ${file("behind")}`,
  ].join("; ");
  const terminal = new Terminal(command, { scratch });
  const read = (name: string): string => (existsSync(file(name)) ? readFileSync(file(name), "utf8") : "");
  const ended = (code: number): Promise<unknown> =>
    eventually(
      () => terminal.screen().includes(`ended with ${code}`) && read("behind").includes("echo"),
      20_000,
      "the end",
    );
  return { scratch, terminal, read, ended, stop: () => writeFileSync(file("stop"), "") };
}

const isComplete = (screen: string): boolean =>
  /^recording sh in .*\n[1-9][\d,]+ events/m.test(screen) &&
  /[\u2801-\u28ff]{9}/.test(screen) &&
  /\n(q or )?Ctrl-C ends.*$/.test(screen);

describe("record on a terminal", { timeout: 60_000 }, () => {
  it.each([
    ["q", "q"],
    ["Ctrl-C", "C-c"],
  ])("has a live view where the program writes to a file; %s ends the program", async (_, key) => {
    const { scratch, terminal, read, ended } = record();
    let seen = "";
    await eventually(
      () => {
        seen = terminal.screen();
        return isComplete(seen) && / of \d+ processes/.test(seen);
      },
      20_000,
      "the view",
    );
    expectFrame("tmux-record-80x24", shape(seen).replace(/ (in|to) \/\S*/g, " $1 PATH"));
    expect(seen).not.toMatch(/line \d|on the (output|error)/);
    expect(terminal.cursorShown()).toBe(false);
    terminal.type(key);
    await ended(130);
    expect(read("behind")).toBe(read("before"));
    expect(terminal.cursorShown()).toBe(true);
    const all = terminal.scrollback();
    expect(all).toMatch(/^above$/m);
    expect(all).not.toMatch(/ends the program/);
    expect(all).toMatch(/events on \d+ thread/);
    expect(read("log")).toMatch(/^on the output\non the error\nline 1\n/);
    expect(read("out.rmt.gz")).not.toBe("");
    expect(scratch.leftBehind()).toEqual([]);
  });

  it("follows the size of the terminal, and goes when the program ends", async () => {
    const { terminal, stop, ended } = record();
    await eventually(() => isComplete(terminal.screen()), 20_000, "the view");
    for (const [columns, rows] of [
      [50, 16],
      [120, 40],
    ] as const) {
      terminal.resize(columns, rows);
      await eventually(
        () => {
          const screen = terminal.screen();
          const lines = screen.split("\n");
          const once = (what: RegExp): boolean => lines.filter((line) => what.test(line)).length === 1;
          return (
            lines.length >= rows - 2 && once(/^recording sh/) && once(/^resident memory/) && once(/^q or/)
          );
        },
        10_000,
        `one frame in ${columns} × ${rows}`,
      );
    }
    stop();
    await ended(0);
    expect(terminal.scrollback()).not.toMatch(/ends the program/);
    expect(terminal.cursorShown()).toBe(true);
  });

  it("keeps what was said while it ran", async () => {
    const { terminal, stop, ended } = record({ words: "--for 500ms --program-output" });
    await eventually(() => /^the time of --for is over/m.test(terminal.screen()), 20_000, "the notice");
    await eventually(() => terminal.screen().includes("not recording now"), 5_000, "that it does not record");
    stop();
    await ended(0);
    expect(terminal.scrollback()).toMatch(/^rustydb-mem: the time of --for is over/m);
  });

  it("leaves keys and standard input to a program that has another than the terminal", async () => {
    const script = `read word; echo "read $word"; ${UNTIL_STOPPED}`;
    const { terminal, read, ended } = record({ script, input: "echo salt |" });
    await eventually(() => isComplete(terminal.screen()), 20_000, "the view");
    expect(terminal.screen()).toMatch(/^Ctrl-C ends the program/m);
    expect(read("log")).toContain("read salt");
    terminal.type("C-c");
    await ended(130);
    expect(read("behind")).toBe(read("before"));
    expect(terminal.cursorShown()).toBe(true);
  });

  it.each([
    ["without --program-output", { words: "" }],
    ["with --no-tui", { words: "--no-tui --program-output" }],
    ["with TERM=dumb", { setting: "TERM=dumb" }],
    ["in CI", { setting: "CI=1" }],
    ["with --quiet", { words: "-q --program-output" }],
  ])("has no live view %s", async (name, program) => {
    const { terminal, read, ended, stop } = record(program);
    await eventually(() => (read("log") + terminal.screen()).includes("line 30"), 20_000, "thirty lines");
    expect(terminal.scrollback()).not.toMatch(/ends the program|resident memory/);
    expect(/recording sh: [\d,]+ events/.test(terminal.scrollback())).toBe(name !== "with --quiet");
    expect(terminal.scrollback().includes("line 30")).toBe(name === "without --program-output");
    stop();
    await ended(0);
  });

  it("starts nothing where the file can't be written", async () => {
    const scratch = new Scratch();
    const log = scratch.file("no/such/folder/log");
    const made = scratch.file("made");
    const { code, stderr } = await runTool(
      ["record", "-o", scratch.file("out.rmt"), "--program-output", log, "--", "touch", made],
      { scratch },
    );
    expect(code).toBe(1);
    expect(stderr).toMatch(/error: .*no\/such\/folder\/log can't take the program's output/);
    expect(existsSync(made)).toBe(false);
    expect(existsSync(scratch.file("out.rmt"))).toBe(false);
  });
});
