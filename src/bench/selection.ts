import { UsageError } from "../errors.js";
import { suggest } from "../workload/mistake.js";
import { type BenchSuite, DEFAULT_SUITES, SUITE_NAMES } from "./suites.js";

/** What --quick runs of a suite that is named as a whole: one of a kind. */
const QUICK_CASES: readonly string[] = [
  ...["pairs-mixed", "batches-1000-any", "growing", "replace-2k"],
  ...["commit", "abort", "reuse", "local-2", "handover", "long-running"],
];

export interface Selection {
  readonly suites: readonly BenchSuite[];
  readonly pressure: boolean;
  /** Names of the claims. */
  readonly claims: readonly string[];
}

/**
 * What the words of the command line name: a suite, or `suite/case`, with * for any letters, great or small. Nothing stands for all but
 * the claims.
 * Throws UsageError `unknown-suite`.
 */
export function selectSuites(
  words: readonly string[],
  suites: readonly BenchSuite[],
  claims: readonly string[],
  quick = false,
): Selection {
  const wanted = words.length === 0 ? DEFAULT_SUITES : words;
  const matchers = wanted.map(matcher);
  const names = suites.flatMap((suite) => suite.cases.map((each) => `${suite.name}/${each.name}`));
  for (const [index, word] of wanted.entries()) {
    const known = [...SUITE_NAMES, ...names, ...claims];
    if (known.some((name) => matchers[index]?.(name))) continue;
    const beside = known.filter((name) => name.startsWith(word.replace(/[^/]*$/, "")));
    throw new UsageError("unknown-suite", `there is no suite and no benchmark "${word}"`, {
      remedy: suggest(word, !word.includes("/") ? SUITE_NAMES : beside.length > 0 ? beside : known),
    });
  }
  const takes = (name: string): boolean => matchers.some((matches) => matches(name));
  const chosen = suites.map((suite) => ({
    ...suite,
    cases: suite.cases.filter(({ name }) => {
      const whole = takes(suite.name) && (!quick || QUICK_CASES.includes(name));
      return whole || takes(`${suite.name}/${name}`);
    }),
  }));
  return {
    suites: chosen.filter((suite) => suite.cases.length > 0),
    pressure: takes("pressure"),
    claims: claims.filter((name) => takes("claims") || takes(name)),
  };
}

function matcher(word: string): (name: string) => boolean {
  const pattern = word
    .split("*")
    .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"))
    .join(".*");
  const expression = new RegExp(`^${pattern}$`, "i");
  return (name) => expression.test(name);
}
