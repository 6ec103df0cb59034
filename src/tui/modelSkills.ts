import type { SeriesBacktest } from "../pressure/backtest.js";

/** How much smaller the errors of a model are than those of "no change": 0 is no better, 1 is none at all. */
export interface ModelSkill {
  readonly model: string;
  readonly horizons: readonly { readonly horizonS: number; readonly skill: number }[];
}

/** Over all series so far, each in units of its peak, as the scorecard pools them. */
export function skillsOf(played: readonly SeriesBacktest[]): ModelSkill[] {
  const models = played[0]?.models ?? [];
  return models.map(({ model, horizons }, at) => ({
    model,
    horizons: horizons.flatMap(({ horizonS }, horizon) => {
      let [errors, bars] = [0, 0];
      for (const { models: own, peakBytes } of played) {
        const score = own[at]?.horizons[horizon];
        if (score === undefined || peakBytes === 0) continue;
        errors += score.error / peakBytes;
        bars += score.persistenceError / peakBytes;
      }
      return bars === 0 ? [] : [{ horizonS, skill: 1 - errors / bars }];
    }),
  }));
}
