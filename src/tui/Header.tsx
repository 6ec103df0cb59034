import { Text } from "ink";
import { overallShare, type RunProgress, stepText, suiteText } from "../measure/measurement-progress.js";

/** Lines of the header. */
export const headerLines = (progress: RunProgress): number => (progress.suite === undefined ? 2 : 3);

/** `━━━━━━━━╌╌╌╌  42 %`, as wide as it is told. */
export function progressBar(share: number, columns: number): { done: string; left: string; text: string } {
  const text = `${Math.floor(Math.min(1, Math.max(0, share)) * 100)} %`.padStart(6);
  const cells = Math.max(1, columns - text.length);
  const done = Math.floor(Math.min(1, Math.max(0, share)) * cells);
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
  const bar = progressBar(overallShare(progress) ?? 0, columns);
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
      </Text>
    </>
  );
}
