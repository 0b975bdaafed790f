import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/**
 * Tests that start the real bin run what is in dist: it must be what is in src. A type error does
 * not keep code from running; `npm test` and `npm run check` fail on it, here it is only told.
 */
export default function setup(): void {
  const script = fileURLToPath(new URL("../../scripts/build.js", import.meta.url));
  const build = spawnSync(process.execPath, [script], { encoding: "utf8" });
  if (build.status !== 0) process.stderr.write(`${build.stdout}${build.stderr}`);
}
