import { MAX_PER_RULE, type Problem } from "./problem.js";

/** Collects problems, bounded for each rule, and puts them in the order of the file. */
export class ProblemList {
  readonly #kept: Problem[] = [];
  readonly #counts = new Map<string, number>();

  add(problem: Problem): void {
    const count = (this.#counts.get(problem.rule) ?? 0) + 1;
    this.#counts.set(problem.rule, count);
    if (count <= MAX_PER_RULE) this.#kept.push(problem);
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
