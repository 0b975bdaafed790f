import { MAX_PER_RULE, type Problem } from "./problem.js";

/** Collects problems, bounded for each rule, and puts them in the order of the file. The same in the same place is one. */
export class ProblemList {
  readonly #kept: Problem[] = [];
  readonly #known = new Set<string>();
  readonly #counts = new Map<string, number>();

  add(problem: Problem): void {
    const { rule, line, column, endColumn, message } = problem;
    // A value with an anchor is found again at every alias.
    const key = JSON.stringify([rule, line, column, endColumn, message]);
    if (this.#known.has(key)) return;
    const count = (this.#counts.get(rule) ?? 0) + 1;
    this.#counts.set(rule, count);
    if (count > MAX_PER_RULE) return;
    this.#known.add(key);
    this.#kept.push(problem);
  }

  /** False once nothing more of the rule would be kept. */
  wants(rule: string): boolean {
    return (this.#counts.get(rule) ?? 0) <= MAX_PER_RULE;
  }

  get hasErrors(): boolean {
    return this.#kept.some((problem) => problem.severity === "error");
  }

  /** All that were kept, by place; where a rule found more, its last one says so. */
  sorted(): Problem[] {
    const last = new Map<string, Problem>();
    for (const problem of this.#kept) last.set(problem.rule, problem);
    return this.#kept
      .map((problem) => {
        const full =
          this.#counts.get(problem.rule)! > MAX_PER_RULE && last.get(problem.rule) === problem;
        return full
          ? { ...problem, hint: `${problem.hint}; more of the same follow and are not listed` }
          : problem;
      })
      .toSorted((a, b) => a.line - b.line || a.column - b.column);
  }
}
