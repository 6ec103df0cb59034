import type { BenchFigure } from "../measure/measurement-bench.js";
import { type ProgressView, stepProgress } from "../measure/measurement-progress.js";
import { FORECAST_MODELS, type ForecastModel } from "../native/pressure.js";
import { native } from "../native.js";
import { medianInterval } from "../statistics/bootstrap.js";
import { Random } from "../statistics/random.js";

/** Between two samples; a tick of the forecaster's grid is 5 s. */
const STEPS_S = [0.1, 1, 5];

interface Cost {
  readonly model: ForecastModel;
  readonly stepS: number;
  readonly ns: number[];
}

/** CPU time of a sample, by model and by the time between samples, in interleaved rounds. */
export async function forecasterCost(
  options: { readonly rounds: number; readonly seed: number; readonly samples: number },
  view: ProgressView,
  signal: AbortSignal,
): Promise<BenchFigure[]> {
  const { rounds, seed, samples } = options;
  const costs: Cost[] = FORECAST_MODELS.flatMap((model) =>
    STEPS_S.map((stepS) => ({ model, stepS, ns: [] })),
  );
  const random = new Random(seed);
  for (let round = 1; round <= rounds && !signal.aborted; round += 1) {
    for (const cost of random.shuffled(costs)) {
      if (signal.aborted) break;
      await view.show(stepProgress("pressure", "timed", { allocator: cost.model, round, rounds }));
      cost.ns.push(native().forecastCost({ model: cost.model }, cost.stepS, samples, seed + round));
    }
  }
  return costs
    .filter(({ ns }) => ns.length > 0)
    .map(({ model, stepS, ns }) => ({
      suite: "pressure",
      name: `${model}, a sample each ${stepS} s`,
      unit: "ns",
      value: { ...medianInterval(ns, new Random(seed)) },
    }));
}
