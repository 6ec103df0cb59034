import type { ProgressView, RunProgress } from "../measure/measurement-progress.js";
import { MAX_FPS, openScreen } from "./inkScreen.js";

export interface LiveViewOptions {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly baseline: string;
  readonly onQuit: () => void;
}

/** Two frames of one round would only be work. */
const LEAST_BETWEEN_FRAMES_MS = 100;

/**
 * The live view. `show` draws and comes back when the frame is on the screen, so that nothing is drawn while a timed
 * round runs. `close` takes the view away and gives the terminal back.
 */
export async function openLiveView(options: LiveViewOptions): Promise<ProgressView & { close(): void }> {
  const { stdin, stdout, baseline, onQuit } = options;
  const fixed = { baseline, onQuit };
  const screen = await openScreen({ stdin, stdout }, async () => (await import("./App.js")).App, {
    ...fixed,
    progress: undefined as RunProgress | undefined,
  });
  let lastMs = Number.NEGATIVE_INFINITY;
  let lastPhase: string | undefined;
  return {
    async show(progress) {
      const nowMs = performance.now();
      if (nowMs - lastMs < LEAST_BETWEEN_FRAMES_MS && progress.phase === lastPhase) return;
      lastMs = nowMs;
      lastPhase = progress.phase;
      screen.draw({ ...fixed, progress });
      // Ink writes a frame behind a throttle of its own.
      await new Promise((resolve) => setTimeout(resolve, 1000 / MAX_FPS + 2));
    },
    close: () => screen.close(),
  };
}
