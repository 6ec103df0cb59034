import type { ProgressView, RunProgress } from "../measure/measurement-progress.js";

export interface LiveViewOptions {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly baseline: string;
  readonly onQuit: () => void;
}

/** Two frames of one round would only be work. */
const LEAST_BETWEEN_FRAMES_MS = 100;
const MAX_FPS = 30;

/**
 * The live view. `show` draws and comes back when the frame is on the screen, so that nothing is drawn while a timed
 * round runs. `close` takes the view away and gives the terminal back.
 */
export async function openLiveView(options: LiveViewOptions): Promise<ProgressView & { close(): void }> {
  // React's development build costs three times as much a frame. Every part of React looks when it is loaded, and parts
  // of both builds do not work together: this file must not import any of it, not even by writing JSX.
  process.env.NODE_ENV ??= "production";
  // Ink draws nothing where CI is set, even to nothing.
  if (process.env.CI === "") delete process.env.CI;
  const [{ render }, { createElement }, { App }] = await Promise.all([
    import("ink"),
    import("react"),
    import("./App.js"),
  ]);
  const { stdin, stdout, baseline, onQuit } = options;
  let progress: RunProgress | undefined;
  const element = () => {
    // A terminal that does not know its size says 0.
    const size = { columns: stdout.columns || 80, lines: stdout.rows || 24 };
    return createElement(App, { progress, baseline, ...size, onQuit });
  };
  const instance = render(element(), {
    stdin,
    stdout,
    exitOnCtrlC: false,
    patchConsole: false,
    maxFps: MAX_FPS,
  });
  let lastMs = Number.NEGATIVE_INFINITY;
  let lastPhase: string | undefined;
  return {
    async show(next) {
      progress = next;
      const nowMs = performance.now();
      if (nowMs - lastMs < LEAST_BETWEEN_FRAMES_MS && next.phase === lastPhase) return;
      lastMs = nowMs;
      lastPhase = next.phase;
      instance.rerender(element());
      // Ink writes a frame behind a throttle of its own.
      await new Promise((resolve) => setTimeout(resolve, 1000 / MAX_FPS + 2));
    },
    close() {
      instance.clear();
      instance.unmount();
    },
  };
}
