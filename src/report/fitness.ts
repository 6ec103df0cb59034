import type { ChalkInstance } from "chalk";
import type { Checkup, Finding } from "../measure/measurement-fitness.js";

const MARKS: Readonly<Record<Finding["verdict"], string>> = { good: "✓", note: "·", warn: "!", bad: "✗" };

function mark(chalk: ChalkInstance, verdict: Finding["verdict"]): string {
  const text = MARKS[verdict];
  switch (verdict) {
    case "good":
      return chalk.green(text);
    case "note":
      return chalk.dim(text);
    case "warn":
      return chalk.yellow(text);
    case "bad":
      return chalk.red(text);
  }
}

function verdictLine(checkup: Checkup): string {
  const warnings = checkup.findings.filter((finding) => finding.verdict === "warn").length;
  if (!checkup.fit) return "This machine cannot measure yet: see ✗.";
  if (warnings === 0) return "This machine is fit to measure.";
  return `This machine can measure, with ${warnings} ${warnings === 1 ? "reservation" : "reservations"}: see !.`;
}

/** The verdict, then a line for each thing that was looked at. */
export function fitnessReport(checkup: Checkup, chalk: ChalkInstance): string {
  const width = Math.max(...checkup.findings.map((finding) => finding.subject.length));
  const lines = checkup.findings.flatMap((finding) => [
    `${mark(chalk, finding.verdict)} ${finding.subject.padEnd(width)}  ${finding.value}`,
    ...(finding.advice === undefined ? [] : [`  ${" ".repeat(width)}  ${chalk.dim(finding.advice)}`]),
  ]);
  return `${chalk.bold(verdictLine(checkup))}\n\n${lines.join("\n")}\n`;
}
