import type { SeriesBacktest } from "../pressure/backtest.js";
import type { Series } from "../pressure/series.js";
import type { ForecastStep, ForecastView } from "../tui/forecastView.js";
import { formatCount } from "../units.js";
import type { CommandContext } from "./context.js";
import { StatusLine } from "./status-line.js";

/** What is over sooner has no view: it would only flash. */
const VIEW_AFTER_MS = 1000;

export interface ForecastProgressFlags {
  readonly quiet?: boolean;
  readonly json?: boolean;
  readonly tui: boolean;
}

/** How far a backtest is: on a line, and in a live view once it lasts. */
export class ForecastProgress {
  private readonly line: StatusLine;
  private readonly played: SeriesBacktest[] = [];
  private at: ForecastStep = { step: "reading", share: 0, series: undefined, played: this.played };
  private readonly timer: NodeJS.Timeout | undefined;
  private opening: Promise<void> | undefined;
  private view: ForecastView | undefined;
  private failure: unknown;

  constructor(
    flags: ForecastProgressFlags,
    private readonly context: CommandContext,
  ) {
    const { stdin, stderr, interactive } = context;
    this.line = new StatusLine(flags.quiet ? undefined : stderr);
    const views = interactive && stdin.isTTY === true && stderr.isTTY === true;
    if (!views || !flags.tui || flags.quiet || flags.json) return;
    this.timer = setTimeout(() => {
      this.opening = this.open().catch((error: unknown) => {
        this.failure = error;
      });
    }, VIEW_AFTER_MS);
  }

  reading(path: string): void {
    this.show({ step: `reading ${path}`, share: 0 });
  }

  forecasting(series: Series, index: number, of: number): void {
    const step = `forecasting ${series.name} (${index + 1} of ${of})`;
    this.show({ step, share: index / of, series });
  }

  done(backtest: SeriesBacktest): void {
    this.played.push(backtest);
  }

  trying(tried: number, of: number): void {
    this.show({ step: `trying policies, ${formatCount(tried)} of ${of}`, share: tried / of });
  }

  /** Takes away what is shown, and throws what kept the view from opening. */
  async close(): Promise<void> {
    clearTimeout(this.timer);
    await this.opening;
    this.view?.close();
    this.line.close();
    if (this.failure !== undefined) throw this.failure;
  }

  private show(step: Partial<ForecastStep>): void {
    this.at = { ...this.at, ...step };
    if (this.view !== undefined) this.view.show(this.at);
    else if (this.opening === undefined) this.line.show(() => this.at.step);
  }

  private async open(): Promise<void> {
    this.line.close();
    const { stdin, stdout, interrupt } = this.context;
    const { openForecastView } = await import("../tui/forecastView.js");
    this.view = await openForecastView({ stdin, stdout, onQuit: interrupt }, this.at);
    this.view.show(this.at);
  }
}
