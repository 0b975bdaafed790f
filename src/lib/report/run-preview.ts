import type { Preview } from "../run/preview.js";

/** What a command would do, stage by stage. */
export function previewText({ run, lines, notes }: Preview): string {
  const out = notes.map((note) => `note: ${note}`);
  if (lines.length === 0) out.push("nothing to do");
  let stage = "";
  for (const line of lines) {
    if (line.stage !== stage) out.push(`stage ${(stage = line.stage)}`);
    out.push(`  ${line.step}  ${line.what}`);
  }
  out.push(`dry run${run === null ? "" : ` of ${run}`}: nothing was changed`);
  return out.join("\n");
}
