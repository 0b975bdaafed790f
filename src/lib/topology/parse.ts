import { EXIT, OpsError } from "../errors.js";
import { decode } from "./decode.js";
import { type DraftOverride, draftOf } from "./draft.js";
import { place } from "./place.js";
import { parseYaml } from "./parse-yaml.js";
import type { Adjusted, Finding, Problem } from "./problem.js";
import { ProblemList } from "./problem-list.js";
import { renderProblems } from "./render-problems.js";
import { resolve } from "./resolve.js";
import { FITNESS_RULES, STRUCTURE_RULES } from "./rules/registry.js";
import type { RuleInfo } from "./rules/rule.js";
import { topologySchema } from "./schema.js";
import { nameKnownFields, schemaFindings } from "./schema-problems.js";
import type { Topology } from "./types.js";

/**
 * What came of a file. `topology` is null if what the file says is wrong. It is there, and yet some problems may be errors, if
 * the topology does not carry what it must.
 */
export interface Checked {
  readonly topology: Topology | null;
  readonly problems: readonly Problem[];
}

/**
 * Reads a topology, whether it carries what it must or not. `file` is only named in problems. Throws OpsError `invalid-topology`, with every problem in its message
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

/** For a topology that something is to become: throws OpsError `unfit-topology` if one of its problems is an error. */
export function requireFit(file: string, problems: readonly Problem[]): void {
  const errors = problems.filter(({ severity }) => severity === "error");
  if (errors.length === 0) return;
  const message = `${file} does not carry what it must\n\n${renderProblems(errors)}`;
  throw new OpsError("unfit-topology", EXIT.refused, message, {
    hint: "correct the file, or give the rule another severity in policy.rules, with the reason",
    details: errors,
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
  const run = <R extends RuleInfo>(rules: readonly R[], check: (rule: R) => Iterable<Finding>) => {
    for (const rule of rules) {
      const severity = severityHere(rule, draft.overrides);
      if (severity === "off") continue;
      place(check(rule), { id: rule.id, severity }, source, tree, problems);
    }
  };
  run(STRUCTURE_RULES, (rule) => rule.check(draft));
  const document = topologySchema.safeParse(tree.value, { error: nameKnownFields });
  if (!document.success) {
    for (const finding of schemaFindings(document.error.issues, tree.value)) {
      place([finding], { id: finding.rule, severity: "error" }, source, tree, problems);
    }
  }
  if (!document.success || problems.hasErrors)
    return { topology: null, problems: problems.sorted() };
  const topology = resolve(document.data);
  run(FITNESS_RULES, (rule) => rule.check(topology));
  return { topology, problems: problems.sorted() };
}

/** What a rule is here: `policy.rules` may have changed it. */
function severityHere(rule: RuleInfo, overrides: readonly DraftOverride[]): Adjusted {
  const override = rule.adjustable ? overrides.find(({ id }) => id === rule.id) : undefined;
  return override?.severity ?? rule.severity;
}
