import type { ProgressView, RunProgress } from "../measure/measurement-progress.js";
import { MAX_FPS, openScreen } from "./inkScreen.js";
import { type ViewKey, ViewState } from "./viewState.js";

export interface LiveViewOptions {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly baseline: string;
  readonly onQuit: () => void;
}

/** Two frames of one round would only be work. */
const LEAST_BETWEEN_FRAMES_MS = 100;

/** What comes behind this word of a timed round is the round itself, on the same cores. */
const isTimed = ({ phase }: RunProgress): boolean => phase === "timed" || phase === "warm-up";

/**
 * The live view. `show` draws and comes back when the frame is on the screen, so that nothing is drawn while a timed
 * round runs; keys pressed in one are drawn behind it. `close` takes the view away and gives the terminal back.
 */
export async function openLiveView(options: LiveViewOptions): Promise<ProgressView & { close(): void }> {
  const { stdin, stdout, baseline, onQuit } = options;
  const state = new ViewState();
  let progress: RunProgress | undefined;
  let pressed = false;
  const props = () => ({
    ...{ progress, baseline, help: state.help, onQuit, onKey },
    shown: progress === undefined ? undefined : state.shown(progress.rows),
  });
  function onKey(key: ViewKey): void {
    state.press(key, progress?.rows ?? []);
    if (progress === undefined || isTimed(progress)) pressed = true;
    else screen.draw(props());
  }
  const screen = await openScreen({ stdin, stdout }, async () => (await import("./App.js")).App, props());
  let lastMs = Number.NEGATIVE_INFINITY;
  let lastPhase: string | undefined;
  return {
    async show(next) {
      progress = next;
      state.take(next);
      const nowMs = performance.now();
      const phase = `${next.trace}/${next.phase}`;
      if (nowMs - lastMs < LEAST_BETWEEN_FRAMES_MS && phase === lastPhase && !pressed) return;
      lastMs = nowMs;
      lastPhase = phase;
      pressed = false;
      screen.draw(props());
      if (isTimed(next)) screen.hold();
      // Ink writes a frame behind a throttle of its own.
      await new Promise((resolve) => setTimeout(resolve, 1000 / MAX_FPS + 2));
    },
    close: () => screen.close(),
  };
}
