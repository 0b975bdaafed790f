import { assign, type Level } from "../src/lib/schedule/assign/assign.js";
import { problemOf } from "./assign-problem.js";

/** One assignment in a process of its own. */
export interface CaseResult {
  /** From the problem to the assignment: the solver is loaded and models are built within it. */
  readonly ms: number;
  readonly cpuMs: number;
  readonly peakBytes: number;
  readonly levels: readonly Level[];
}

const [kind, classes, sites] = process.argv.slice(2);
const problem = problemOf(
  { classes: Number(classes), sites: Number(sites) },
  kind === "lost" ? "lost" : "balance",
);
const [cpu, start] = [process.cpuUsage(), performance.now()];
const { levels } = await assign(problem);
const ms = performance.now() - start;
const { user, system } = process.cpuUsage(cpu);
const result: CaseResult = {
  ms,
  cpuMs: (user + system) / 1_000,
  peakBytes: process.resourceUsage().maxRSS * 1_024,
  levels,
};
console.log(JSON.stringify(result));
