import type { Problem } from "./problem.js";

/** Columns of a source line that are shown. */
const WIDTH = 96;

/**
 * Problems as a compiler shows them, and a last line that counts them:
 *
 *     topology.yaml:31:18: error: primary of shard profile/p0: there is no node "sh-9" [unknown-node]
 *       31 |         primary: sh-9
 *          |                  ^^^^
 *          = did you mean sh-1?
 */
export function renderProblems(problems: readonly Problem[]): string {
  const errors = problems.filter((problem) => problem.severity === "error").length;
  const warnings = problems.length - errors;
  const counts = [
    ...(errors > 0 ? [errors === 1 ? "1 error" : `${errors} errors`] : []),
    ...(warnings > 0 ? [warnings === 1 ? "1 warning" : `${warnings} warnings`] : []),
  ];
  return [...problems.map(renderProblem), counts.join(", ")].join("\n\n");
}

function renderProblem(problem: Problem): string {
  const { file, line, column, severity, message, rule, hint } = problem;
  const lines = [`${visible(file)}:${line}:${column}: ${severity}: ${visible(message)} [${rule}]`];
  const number = String(line).padStart(4);
  const margin = " ".repeat(number.length);
  if (problem.source.trim() !== "") {
    const { text, mark } = excerpt(problem);
    lines.push(`${number} | ${text}`, `${margin} | ${mark}`);
  }
  lines.push(`${margin} = ${visible(hint)}`);
  return lines.join("\n");
}

/** The part of the line around the column, and carets under what is marked. */
function excerpt(problem: Problem): { readonly text: string; readonly mark: string } {
  const { source, sourceFrom } = problem;
  const start = problem.column - sourceFrom;
  const end = Math.max(start + 1, problem.endColumn - sourceFrom);
  const from = start < WIDTH - 20 ? 0 : start - 30;
  const cut = source.slice(from, from + WIDTH);
  const before = from > 0 || sourceFrom > 1 ? "..." : "";
  const after = from + WIDTH < source.length ? "..." : "";
  const left = visible(cut.slice(0, start - from));
  const marked = visible(cut.slice(start - from, end - from));
  const right = visible(cut.slice(end - from));
  return {
    text: `${before}${left}${marked}${right}${after}`,
    mark: `${" ".repeat(before.length + columns(left))}${"^".repeat(Math.max(1, columns(marked)))}`,
  };
}

/** Without anything that a terminal would obey or that takes no place; tabs become arrows one column wide. */
function visible(text: string): string {
  return text.replaceAll("\t", "→").replace(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu, "·");
}

/** Columns of a terminal that a text takes: letters of Chinese and the like take two, marks above others none. */
function columns(text: string): number {
  let sum = 0;
  for (const letter of text) {
    if (/\p{M}/u.test(letter)) continue;
    sum +=
      /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u.test(
        letter,
      )
        ? 2
        : 1;
  }
  return sum;
}
