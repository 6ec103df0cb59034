import type { ComponentType } from "react";

export interface ScreenStreams {
  /** Undefined: the keys are somebody else's. */
  readonly stdin: NodeJS.ReadStream | undefined;
  readonly stdout: NodeJS.WriteStream;
}

/** Of the terminal, in characters. */
export interface ScreenSize {
  readonly columns: number;
  readonly lines: number;
}

/** One component on a terminal, drawn when it is told to and when the terminal changes its size. */
export interface InkScreen<Props> {
  draw(props: Props): void;
  /** From here to the next `draw` nothing is drawn, whatever becomes of the terminal. */
  hold(): void;
  /** Takes the frame away and gives the terminal back. */
  close(): void;
}

export const MAX_FPS = 30;

// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what is to go
const ESCAPES = /\x1b\[[0-9;?]*[A-Za-z]/g;

/** How Ink takes its last frame away, by its own count of lines. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what Ink writes
const ERASING = /^(\x1b\[2K(\x1b\[1A)?)+\x1b\[G/;

const SHOW_CURSOR = "\x1b[?25h";

/** The terminal as Ink is given it: its changes of size are kept from Ink, and what is written last is known. */
class Canvas {
  readonly stream: NodeJS.WriteStream;
  private frame = "";
  /** What was wiped, until Ink has drawn again; Ink believes it to be there still. */
  private wiped: string | undefined;
  private closed = false;

  constructor(private readonly terminal: NodeJS.WriteStream) {
    const write = (text: string): boolean => {
      if (this.closed) return true;
      if (!text.includes("\n")) return terminal.write(text);
      this.frame = text.replace(ERASING, "");
      const known = this.wiped === undefined;
      this.wiped = undefined;
      return terminal.write(known ? text : this.frame);
    };
    const subscribe =
      (how: "on" | "off") =>
      (event: string, listener: (...values: unknown[]) => void): NodeJS.WriteStream => {
        if (event !== "resize") terminal[how](event, listener);
        return terminal;
      };
    const own: Record<PropertyKey, unknown> = {
      ...{ write, on: subscribe("on"), off: subscribe("off") },
      // Where a frame was taller than the screen has become, Ink clears the scrollback, and all that stood in it.
      rows: Number.MAX_SAFE_INTEGER,
    };
    this.stream = new Proxy(terminal, {
      get: (target, key) => {
        if (key in own) return own[key];
        const value: unknown = Reflect.get(target, key, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  }

  /** Takes the frame off a terminal so wide: what was a line may be several by now, which Ink does not count. */
  wipe(columns: number): void {
    if (this.frame === "") return;
    const lines = this.frame.replace(ESCAPES, "").replace(/\n$/, "").split("\n");
    const up = lines.reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / columns)), 0);
    // Line by line: a screen that is cleared as a whole goes into the scrollback of some terminals.
    this.terminal.write(`${"\x1b[2K\x1b[1A".repeat(up)}\x1b[2K\r`);
    this.wiped = this.frame;
    this.frame = "";
  }

  /** Puts back what was wiped where Ink has drawn nothing since: to Ink it is the same frame. */
  restore(): void {
    if (this.wiped !== undefined && !this.closed) this.stream.write(this.wiped);
  }

  /** From here on nothing of Ink's is written; its last frame is gone, the cursor is back. */
  close(columns: number, unmount: () => void): void {
    this.wipe(columns);
    this.closed = true;
    unmount();
    this.terminal.write(SHOW_CURSOR);
  }
}

/**
 * Opens Ink. React's development build costs three times as much a frame, and every part of React looks when it is loaded, and
 * parts of both builds do not work together: who calls this must not import any of it, not even by writing JSX, and hands over
 * the component as a promise.
 */
export async function openScreen<Props extends object>(
  { stdin, stdout }: ScreenStreams,
  load: () => Promise<ComponentType<Props & ScreenSize>>,
  first: Props,
): Promise<InkScreen<Props>> {
  process.env.NODE_ENV ??= "production";
  // Ink draws nothing where CI is set, even to nothing.
  if (process.env.CI === "") delete process.env.CI;
  const [{ render }, { createElement }, component] = await Promise.all([
    import("ink"),
    import("react"),
    load(),
  ]);
  let props = first;
  // A terminal that does not know its size says 0.
  const size = (): ScreenSize => ({ columns: stdout.columns || 80, lines: stdout.rows || 24 });
  const element = () => createElement(component, { ...props, ...size() });
  const canvas = new Canvas(stdout);
  const instance = render(element(), {
    ...(stdin === undefined ? {} : { stdin }),
    stdout: canvas.stream,
    exitOnCtrlC: false,
    patchConsole: false,
    maxFps: MAX_FPS,
  });
  let [held, resized] = [false, false];
  const draw = (): void => {
    if (resized) {
      canvas.wipe(size().columns);
      setTimeout(() => canvas.restore(), 1000 / MAX_FPS + 1);
    }
    resized = false;
    instance.rerender(element());
  };
  const onResize = (): void => {
    resized = true;
    if (!held) draw();
  };
  stdout.on("resize", onResize);
  return {
    draw(next) {
      props = next;
      held = false;
      draw();
    },
    hold() {
      held = true;
    },
    close() {
      stdout.off("resize", onResize);
      canvas.close(size().columns, () => instance.unmount());
    },
  };
}
