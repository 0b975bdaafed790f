// Installs the dependencies when they are missing or not those of package-lock.json.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { die, root, run, say } from "./process.js";

const OLDEST = [20, 19];

/** Install scripts are not run: every native package here comes prebuilt. */
const INSTALL = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];

export function ensure() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
    die(`Node ${OLDEST.join(".")} or newer is needed, this is ${process.versions.node}`);
  }
  const stale = differences();
  if (stale === undefined) return;
  say(`installing dependencies (${stale}) ...`);
  // npm says which npm it was started by; without one, the npm on the path.
  const npm = process.env.npm_execpath;
  const code = npm
    ? run(process.execPath, [npm, ...INSTALL], { quiet: true })
    : run("npm", INSTALL, { quiet: true });
  if (code !== 0) die(`npm ci failed with exit ${code}`, code);
}

/** Why an install is needed; undefined when it is not. Content counts, not file times. */
function differences() {
  const installedFile = join(root, "node_modules/.package-lock.json");
  if (!existsSync(installedFile)) return "none installed";
  const { "": _self, ...wanted } = packagesOf(join(root, "package-lock.json"));
  const installed = packagesOf(installedFile);
  for (const [path, { version, optional }] of Object.entries(wanted)) {
    const found = installed[path];
    if (found === undefined && optional) continue;
    if (found?.version !== version || !existsSync(join(root, path))) return `${path} changed`;
  }
  return undefined;
}

function packagesOf(file) {
  return JSON.parse(readFileSync(file, "utf8")).packages;
}
