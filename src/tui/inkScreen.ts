import type { ComponentType } from "react";

export interface ScreenStreams {
  readonly stdin: NodeJS.ReadStream;
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
  /** Takes the frame away and gives the terminal back. */
  close(): void;
}

export const MAX_FPS = 30;

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
  const element = () => {
    // A terminal that does not know its size says 0.
    const size: ScreenSize = { columns: stdout.columns || 80, lines: stdout.rows || 24 };
    return createElement(component, { ...props, ...size });
  };
  const instance = render(element(), {
    stdin,
    stdout,
    exitOnCtrlC: false,
    patchConsole: false,
    maxFps: MAX_FPS,
  });
  const resized = (): void => {
    instance.clear();
    instance.rerender(element());
  };
  stdout.on("resize", resized);
  return {
    draw(next) {
      props = next;
      instance.rerender(element());
    },
    close() {
      stdout.off("resize", resized);
      instance.clear();
      instance.unmount();
    },
  };
}
