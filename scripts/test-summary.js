// A vitest reporter: counts for the last line of `npm test`, and why tests were skipped.
import { writeFileSync } from "node:fs";

export default class TestSummary {
  /** Called once, after everything; also after errors that belong to no test. */
  onTestRunEnd(modules, unhandledErrors) {
    const summary = { passed: 0, failed: 0, skipped: [], problems: [] };
    for (const module of modules) {
      // A file that does not load has no tests to count.
      for (const error of module.errors()) fail(summary, `${module.moduleId}: ${error.message}`);
      for (const suite of module.children.allSuites()) {
        for (const error of suite.errors()) fail(summary, `${suite.fullName}: ${error.message}`);
      }
      for (const test of module.children.allTests()) count(summary, test);
    }
    for (const error of unhandledErrors) fail(summary, `unhandled: ${error.message}`);
    if (process.env.OPS_TEST_SUMMARY) {
      writeFileSync(process.env.OPS_TEST_SUMMARY, JSON.stringify(summary));
    }
  }
}

function count(summary, test) {
  const { state, note } = test.result();
  if (state === "passed") summary.passed++;
  else if (state === "failed") fail(summary, test.fullName);
  // A test that never started is no pass: the run was cut short.
  else if (state === "pending") fail(summary, `${test.fullName}: did not run`);
  else summary.skipped.push({ name: test.fullName, reason: note ?? "no reason given" });
}

function fail(summary, problem) {
  summary.failed++;
  summary.problems.push(problem);
}
