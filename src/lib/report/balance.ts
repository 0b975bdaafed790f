import { countText, durationText, groupedText, plural } from "../figures.js";
import type { RoundDone } from "../run/balance-rounds.js";
import type { RoundFigures } from "../schedule/change/round/propose.js";
import { isSomeone } from "../schedule/types.js";
import { wrap } from "../wrap.js";

/** What a round rests on, and what it gains. */
export function roundText(figures: RoundFigures, width: number): string {
  const { online, pairs, cost, tooFew } = figures;
  const unmeasured = pairs.all - pairs.measured;
  const mean = (ms: number) => durationText(ms);
  return [
    `${countText(Math.round(online))} users online; measured: ${groupedText(pairs.measured)} of ${plural(pairs.all, "way")} between users and sites, ${groupedText(unmeasured)} not`,
    `a message and its answer take ${mean(cost.before)} in the mean, ${mean(cost.after)} afterwards`,
    ...(isSomeone(tooFew)
      ? [
          `${countText(Math.round(tooFew))} users would be better off elsewhere: too few to change anything`,
        ]
      : []),
  ]
    .flatMap((line) => wrap(line, width, 2))
    .join("\n");
}

/** One of many rounds, in a line or two. */
export function roundLine(
  { round, run, figures, problem, silent }: RoundDone,
  width: number,
): string {
  const moved = figures === null ? 0 : figures.moved;
  const gain =
    figures === null
      ? ""
      : `, ${durationText(figures.cost.before)} -> ${durationText(figures.cost.after)} in the mean`;
  const what =
    problem !== null
      ? `nothing this time: ${problem.message}`
      : run === null
        ? "nobody moves"
        : `${countText(Math.round(moved))} users moved${gain} (run ${run})`;
  return [
    `round ${round}: ${what}`,
    ...silent.map(({ node, why }) => `  ${node} does not answer: ${why}`),
  ]
    .flatMap((line) => wrap(line, width, 4))
    .join("\n");
}
