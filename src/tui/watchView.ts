import type { PressureState } from "../native/pressure.js";
import type { Happening, WatchView } from "../pressure/live/watcher.js";
import { openScreen } from "./inkScreen.js";
import { SeriesRing } from "./seriesRing.js";

export interface WatchViewOptions {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  /** What is watched. */
  readonly title: string;
  readonly model: string;
  readonly intervalNs: number;
  readonly onQuit: () => void;
}

const LEAST_BETWEEN_FRAMES_MS = 100;
/** More than the longest window of the chart. */
const SAMPLES_KEPT = 512;
const HAPPENINGS_KEPT = 16;

/** The live view of a watch: a frame a sample, but no more than ten a second. */
export async function openWatchView(options: WatchViewOptions): Promise<WatchView> {
  const { stdin, stdout, title, model, intervalNs, onQuit } = options;
  const ring = new SeriesRing(SAMPLES_KEPT);
  const fixed = { title, model, intervalS: intervalNs / 1e9, ring, onQuit };
  let state: PressureState | undefined;
  let happenings: readonly Happening[] = [];
  const screen = await openScreen({ stdin, stdout }, async () => (await import("./WatchApp.js")).WatchApp, {
    ...fixed,
    state,
    happenings,
  });
  let lastMs = Number.NEGATIVE_INFINITY;
  const draw = (): void => {
    lastMs = performance.now();
    screen.draw({ ...fixed, state, happenings });
  };
  const add = (more: readonly Happening[]): void => {
    if (more.length > 0) happenings = [...happenings, ...more].slice(-HAPPENINGS_KEPT);
  };
  return {
    show(step) {
      state = step.state;
      ring.push(state.timeS, state.usedBytes);
      add(step.happenings);
      if (performance.now() - lastMs >= LEAST_BETWEEN_FRAMES_MS || step.state.changed) draw();
    },
    tell(happening) {
      add([happening]);
      draw();
    },
    close: () => screen.close(),
  };
}
