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
  // React's development build costs three times as much a frame; it looks when it is loaded.
  process.env.NODE_ENV ??= "production";
  const [{ render }, { App }] = await Promise.all([import("ink"), import("./App.js")]);
  const { stdin, stdout, baseline, onQuit } = options;
  let progress: RunProgress | undefined;
  const element = (): React.JSX.Element => (
    <App
      progress={progress}
      baseline={baseline}
      columns={stdout.columns ?? 80}
      lines={stdout.rows ?? 24}
      onQuit={onQuit}
    />
  );
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
