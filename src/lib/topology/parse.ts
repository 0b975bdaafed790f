import { EXIT, OpsError } from "../errors.js";
import { decode } from "./decode.js";
import { type DraftOverride, draftOf } from "./draft.js";
import { parseYaml } from "./parse-yaml.js";
import type { Adjusted, Finding, Problem, Severity } from "./problem.js";
import { ProblemList } from "./problem-list.js";
import { renderProblems } from "./render-problems.js";
import { resolve } from "./resolve.js";
import { RULES } from "./rules/registry.js";
import type { RuleInfo } from "./rules/rule.js";
import { topologySchema } from "./schema.js";
import { nameKnownFields, schemaFindings } from "./schema-problems.js";
import type { Source } from "./source.js";
import type { Topology } from "./types.js";
import type { Tree } from "./yaml-tree.js";

/** What came of a file. `topology` is null exactly if one of the problems is an error; the others are warnings. */
export interface Checked {
  readonly topology: Topology | null;
  readonly problems: readonly Problem[];
}

/**
 * Reads a topology. `file` is only named in problems. Throws OpsError `invalid-topology`, with every problem in its message
 * and, as `Problem[]`, in its details.
 */
export function parseTopology(input: string | Uint8Array, file: string): Topology {
  const { topology, problems } = checkTopology(input, file);
  if (topology) return topology;
  throw invalidTopology(file, problems);
}

export function invalidTopology(file: string, problems: readonly Problem[]): OpsError {
  const message = `${file} is no valid topology\n\n${renderProblems(problems)}`;
  return new OpsError("invalid-topology", EXIT.refused, message, {
    hint: "correct the file; `ops topology check` lists the problems again",
    details: problems,
  });
}

/**
 * Finds every problem of a topology at once, whatever the input, in bounded time and memory; never throws. Only where the
 * YAML structure itself cannot be made out is nothing checked beyond it.
 */
export function checkTopology(input: string | Uint8Array, file: string): Checked {
  const bytes = typeof input === "string" ? new TextEncoder().encode(input) : input;
  const decoded = decode(file, bytes);
  if (!decoded.ok) return { topology: null, problems: [decoded.problem] };
  const { source } = decoded;
  const problems = new ProblemList();
  const tree = parseYaml(source, problems);
  if (!tree) return { topology: null, problems: problems.sorted() };

  const draft = draftOf(tree.value);
  for (const rule of RULES) {
    const severity = severityHere(rule, draft.overrides);
    if (severity === "off") continue;
    place(rule.check(draft), { id: rule.id, severity }, source, tree, problems);
  }
  const document = topologySchema.safeParse(tree.value, { error: nameKnownFields });
  if (!document.success) {
    for (const finding of schemaFindings(document.error.issues, tree.value)) {
      place([finding], { id: finding.rule, severity: "error" }, source, tree, problems);
    }
  }
  if (!document.success || problems.hasErrors)
    return { topology: null, problems: problems.sorted() };
  return { topology: resolve(document.data), problems: problems.sorted() };
}

/** What a rule is here: `policy.rules` may have changed it. */
function severityHere(rule: RuleInfo, overrides: readonly DraftOverride[]): Adjusted {
  const override = rule.adjustable ? overrides.find(({ id }) => id === rule.id) : undefined;
  return override?.severity ?? rule.severity;
}

/** Gives findings their place in the file. */
function place(
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
