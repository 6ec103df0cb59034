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

/** The terminal as Ink is given it: its changes of size are kept from Ink, and what is written last is known. */
class Canvas {
  readonly stream: NodeJS.WriteStream;
  private frame = "";
  private muted = false;

  constructor(private readonly terminal: NodeJS.WriteStream) {
    const write = (...words: Parameters<NodeJS.WriteStream["write"]>): boolean => {
      if (this.muted) return true;
      if (typeof words[0] === "string" && words[0].includes("\n")) this.frame = words[0];
      return terminal.write(...words);
    };
    const subscribe =
      (how: "on" | "off") =>
      (event: string, listener: (...values: unknown[]) => void): NodeJS.WriteStream => {
        if (event !== "resize") terminal[how](event, listener);
        return terminal;
      };
    const own: Record<PropertyKey, unknown> = { write, on: subscribe("on"), off: subscribe("off") };
    this.stream = new Proxy(terminal, {
      get: (target, key) => {
        if (key in own) return own[key];
        const value: unknown = Reflect.get(target, key, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  }

  /**
   * Takes the frame off a terminal that has become as narrow as this: what was a line may be several now, which Ink does not
   * count. `forget` makes Ink believe that it did it.
   */
  wipe(columns: number, forget: () => void): void {
    this.muted = true;
    forget();
    this.muted = false;
    const lines = this.frame.replace(ESCAPES, "").replace(/\n$/, "").split("\n");
    const up = lines.reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / columns)), 0);
    if (this.frame !== "") this.terminal.write(`\x1b[${up}A\r\x1b[J`);
    this.frame = "";
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
    if (resized) canvas.wipe(size().columns, () => instance.clear());
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
      if (resized) canvas.wipe(size().columns, () => instance.clear());
      instance.clear();
      instance.unmount();
    },
  };
}
