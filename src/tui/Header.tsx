import { Text } from "ink";
import {
  overallShare,
  paceText,
  type RunProgress,
  stepText,
  suiteText,
} from "../measure/measurement-progress.js";

/** Lines of the header. */
export const headerLines = (progress: RunProgress): number => (progress.suite === undefined ? 2 : 3);

/** So much is kept free for the pace, so that the bar does not grow and shrink with it. */
const PACE_COLUMNS = 36;
const LEAST_BAR_COLUMNS = 16;

/** `━━━━━━━━╌╌╌╌  42 %`, as wide as it is told. */
export function progressBar(share: number, columns: number): { done: string; left: string; text: string } {
  const within = Math.min(1, Math.max(0, share));
  const text = `${Math.floor(within * 100)} %`.padStart(6);
  const cells = Math.max(1, columns - text.length);
  const done = Math.floor(within * cells);
  return { done: "━".repeat(done), left: "╌".repeat(cells - done), text };
}

/** What is going on, and how much of it is done. */
export function Header({
  progress,
  columns,
}: {
  readonly progress: RunProgress;
  readonly columns: number;
}): React.JSX.Element {
  const roomy = columns >= PACE_COLUMNS + LEAST_BAR_COLUMNS;
  const bar = progressBar(overallShare(progress) ?? 0, roomy ? columns - PACE_COLUMNS : columns);
  return (
    <>
      {progress.suite !== undefined && (
        <Text wrap="truncate" bold>
          {suiteText(progress.suite)}
        </Text>
      )}
      <Text wrap="truncate" bold={progress.suite === undefined}>
        {stepText(progress)}
      </Text>
      <Text wrap="truncate">
        <Text color="cyan">{bar.done}</Text>
        <Text dimColor>{bar.left}</Text>
        {bar.text}
        {roomy ? `  ${paceText(progress)}` : ""}
      </Text>
    </>
  );
}
