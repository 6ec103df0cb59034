import type { BacktestRequest } from "./backtest.js";
import type { Optimised } from "./optimise.js";
import type { Scorecard } from "./scorecard.js";

/** All that a backtest found: what the reports print, and the JSON holds. */
export interface ForecastResult {
  readonly schemaVersion: 1;
  readonly tool: { readonly name: string; readonly version: string };
  readonly date: string;
  readonly command: readonly string[];
  readonly request: BacktestRequest;
  readonly scorecard: Scorecard;
  /** Null where no policy was looked for. */
  readonly optimised: Optimised | null;
  readonly warnings: readonly string[];
}
