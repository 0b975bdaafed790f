import type { Preview } from "../run/preview.js";
import { wrap } from "../wrap.js";
import { groupBy } from "./group.js";
import { stepLines } from "./plan-steps.js";
import type { TextOptions } from "./text-options.js";

/** What a command would do, stage by stage. */
export function previewText({ run, lines, notes }: Preview, options: TextOptions): string {
  const { width } = options;
  const out = notes.flatMap((note) => wrap(`note: ${note}`, width, 2));
  if (lines.length === 0) out.push("nothing to do");
  for (const steps of groupBy(lines, ({ stage }) => stage)) {
    out.push(`stage ${steps[0].stage}`);
    for (const line of stepLines(steps, options)) out.push(...wrap(`  ${line}`, width, 4));
  }
  out.push(`dry run${run === null ? "" : ` of ${run}`}: nothing was changed`);
  return out.join("\n");
}
