import type { SeriesBacktest } from "../pressure/backtest.js";
import type { Series } from "../pressure/series.js";
import { openScreen } from "./inkScreen.js";
import { skillsOf } from "./modelSkills.js";

export interface ForecastViewOptions {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly onQuit: () => void;
}

/** Where a backtest is. */
export interface ForecastStep {
  readonly step: string;
  /** How much of it all is done, 0 to 1. */
  readonly share: number;
  readonly series: Series | undefined;
  readonly played: readonly SeriesBacktest[];
}

export interface ForecastView {
  show(step: ForecastStep): void;
  close(): void;
}

/** The live view of a backtest. */
export async function openForecastView(
  { stdin, stdout, onQuit }: ForecastViewOptions,
  first: ForecastStep,
): Promise<ForecastView> {
  const props = ({ played, ...step }: ForecastStep) => ({ ...step, skills: skillsOf(played), onQuit });
  const load = async () => (await import("./ForecastApp.js")).ForecastApp;
  const screen = await openScreen({ stdin, stdout }, load, props(first));
  return { show: (step) => screen.draw(props(step)), close: () => screen.close() };
}
