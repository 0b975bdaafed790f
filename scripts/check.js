// Everything that can be known without running the product. Fails if any of them does.
import { ensure } from "./ensure.js";
import { runTool, say } from "./process.js";

ensure();

const checks = [
  ["tsc", () => runTool("typescript", ["-p", "tsconfig.json", "--noEmit"], { bin: "tsc" })],
  ["oxlint", () => runTool("oxlint", ["--deny-warnings"])],
  ["oxfmt", () => runTool("oxfmt", ["--check"])],
  ["knip", () => runTool("knip", ["--no-progress"])],
];

const failed = [];
for (const [name, check] of checks) {
  const started = performance.now();
  const code = check();
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const verdict = code === 0 ? "ok" : `FAILED (exit ${code})`;
  say(`${name}: ${verdict} in ${seconds} s`);
  if (code !== 0) failed.push(name);
}
if (failed.length > 0) {
  say(`check failed: ${failed.join(", ")}`);
  process.exitCode = 1;
}
