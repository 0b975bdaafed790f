import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import type { TestContext } from "vitest";

/**
 * Whether a test that needs a system tool may run. Give the test's own context and a missing tool
 * skips it with the reason; without one the caller skips (`test.skipIf(!requireTool("strace"))`).
 * @throws Error when the tool is missing and `OPS_TEST_REQUIRE` (comma-separated) names it
 */
export function requireTool(name: string, context?: TestContext): boolean {
  if (onPath(name)) return true;
  const reason = `${name} is not installed: npm run setup:servers`;
  const required = (process.env["OPS_TEST_REQUIRE"] ?? "").split(",").map((word) => word.trim());
  if (required.includes(name)) throw new Error(`${reason} (OPS_TEST_REQUIRE asks for it)`);
  if (context !== undefined) context.skip(reason);
  else process.stderr.write(`SKIPPING tests: ${reason}\n`);
  return false;
}

function onPath(name: string): boolean {
  return (process.env["PATH"] ?? "").split(delimiter).some((folder) => {
    try {
      const file = join(folder, name);
      accessSync(file, constants.X_OK);
      return statSync(file).isFile();
    } catch {
      return false;
    }
  });
}
