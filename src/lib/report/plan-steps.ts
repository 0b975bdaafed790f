import { sayStep } from "../plan/say.js";
import type { ShardStage, ShardStep } from "../plan/types.js";
import { groupBy, groupText, groupsOf, countText, type Told } from "./group.js";
import type { TextOptions } from "./text-options.js";

/** Lines of one kind in one keyspace: up to so many are all shown, of more only the first few. */
const LINES_SHOWN = 6;
const LINES_OF_MORE = 2;

/** Waves that do the same kinds of things. */
interface Waves {
  readonly heading: string;
  readonly steps: readonly ShardStep[];
}

/** What a stage does: a heading for each wave, or row of like waves, and a line for each group of like steps. */
export function waveLines(
  stage: ShardStage,
  options: TextOptions,
): { readonly heading: string; readonly lines: readonly string[] }[] {
  const rows = options.verbose ? stage.waves.map(oneWave) : rowsOf(stage.waves);
  return rows.map(({ heading, steps }) => ({
    heading,
    lines: stepLines(
      steps.map((step) => ({ step: step.id, kind: step.kind, ...sayStep(step) })),
      options,
    ),
  }));
}

/** A line for each group of like steps; where there are many of a kind, the first few and how many more there are. */
export function stepLines(steps: readonly Told[], options: TextOptions): string[] {
  const groups = groupsOf(steps, options);
  if (options.verbose) return groups.map((group) => groupText(group, { verbose: true }));
  const alike = groupBy(groups, ([{ kind, keyspace }]) => `${kind} ${keyspace ?? ""}`);
  return alike.flatMap((all) => {
    if (all.length <= LINES_SHOWN) return all.map((group) => groupText(group));
    const more = all.slice(LINES_OF_MORE);
    const items = more.flat().reduce((sum, step) => sum + step.items.length, 0);
    const what = items === 0 ? "" : `, ${countText(items, all[0][0].kind)}`;
    return [
      ...all.slice(0, LINES_OF_MORE).map((group) => groupText(group)),
      `and ${more.length} more like these${what} (--verbose shows all)`,
    ];
  });
}

function oneWave(steps: readonly ShardStep[], i: number): Waves {
  return { heading: `wave ${i + 1}`, steps };
}

/** Waves that follow each other and do the same go together; so do those that do two things in turn. */
function rowsOf(waves: ShardStage["waves"]): Waves[] {
  const kinds = waves.map((wave) => [...new Set(wave.map(({ kind }) => kind))].toSorted().join());
  const rows: Waves[] = [];
  for (let first = 0; first < waves.length;) {
    const same = repeats(kinds, first, 1);
    const turns = repeats(kinds, first, 2);
    const count = same > 1 ? same : turns > 1 ? turns * 2 : 1;
    const last = first + count;
    const how = same > 1 ? "one after the other" : "in turn";
    rows.push(
      count === 1
        ? oneWave(waves[first]!, first)
        : {
            heading: `waves ${first + 1}-${last}, ${how}`,
            steps: waves.slice(first, last).flat(),
          },
    );
    first = last;
  }
  return rows;
}

/** How often the `length` values at `first` stand there one after the other; 0 where there are not as many. */
function repeats(values: readonly string[], first: number, length: number): number {
  const block = values.slice(first, first + length).join("|");
  let count = 0;
  for (let at = first; at + length <= values.length; at += length) {
    if (values.slice(at, at + length).join("|") !== block) break;
    count += 1;
  }
  return count;
}
