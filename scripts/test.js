// Builds, runs vitest with the arguments given, and ends with `N passed, N failed, N skipped`.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "./build.js";
import { root, runTool } from "./process.js";

const dir = mkdtempSync(join(tmpdir(), "ops-test-"));
const file = join(dir, "summary.json");
let outcome;
try {
  outcome = build() === 0 ? tested() : crashed("not tested: src does not compile");
} finally {
  rmSync(dir, { recursive: true, force: true });
}
for (const { name, reason } of outcome.skipped) console.log(`SKIPPED ${name}: ${reason}`);
for (const problem of outcome.problems) console.log(`FAILED ${problem}`);
console.log(
  `${outcome.passed} passed, ${outcome.failed} failed, ${outcome.skipped.length} skipped`,
);
process.exitCode = outcome.failed === 0 ? 0 : 1;

function tested() {
  const reporters = ["--reporter=default", `--reporter=${join(root, "scripts/test-summary.js")}`];
  const code = runTool("vitest", ["run", ...reporters, ...process.argv.slice(2)], {
    env: { ...process.env, OPS_TEST_SUMMARY: file },
  });
  let summary;
  try {
    summary = JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return crashed(`vitest ended with exit ${code} and no summary`);
  }
  if (summary.passed + summary.failed === 0) {
    return { ...crashed("no test ran"), skipped: summary.skipped };
  }
  if (code !== 0 && summary.failed === 0) {
    return { ...summary, failed: 1, problems: [`vitest ended with exit ${code}, see above`] };
  }
  return summary;
}

function crashed(problem) {
  return { passed: 0, failed: 1, skipped: [], problems: [problem] };
}
