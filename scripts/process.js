// Running a tool, for all scripts: no shell, output passed through, exit code returned.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../", import.meta.url));

/** Our own messages: stderr, so that what a script runs has stdout for itself. */
export function say(text) {
  process.stderr.write(`${text}\n`);
}

export function die(text, code = 1) {
  say(`error: ${text}`);
  process.exit(code);
}

/** Exit code of a command; 128 + n when a signal ended it. `quiet` sends its stdout to stderr. */
export function run(command, args, { quiet = false, env = process.env } = {}) {
  const child = spawnSync(command, args, {
    cwd: root,
    env,
    stdio: ["inherit", quiet ? 2 : "inherit", "inherit"],
  });
  if (child.error) die(`cannot run ${command}: ${child.error.message}`);
  return child.status ?? 128 + (child.signal === "SIGINT" ? 2 : 15);
}

/** Runs the bin of an installed package with this very Node. */
export function runTool(name, args, { bin = name, ...options } = {}) {
  const folder = join(root, "node_modules", name);
  const bins = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")).bin;
  return run(process.execPath, [join(folder, bins[bin] ?? bins), ...args], options);
}
