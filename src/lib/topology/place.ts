import type { Finding, Severity } from "./problem.js";
import type { ProblemList } from "./problem-list.js";
import type { Source } from "./source.js";
import type { Tree } from "./yaml-tree.js";

/** Gives findings their place in the file. */
export function place(
  findings: Iterable<Finding>,
  rule: { readonly id: string; readonly severity: Severity },
  source: Source,
  tree: Tree,
  problems: ProblemList,
): void {
  if (!problems.wants(rule.id)) return;
  for (const { path, at, message, hint } of findings) {
    problems.add(source.problem(rule.id, rule.severity, tree.span(path, at), message, hint, path));
    if (!problems.wants(rule.id)) return;
  }
}
