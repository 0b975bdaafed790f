// Compiles src to dist, module by module, bundles what `ops` runs to dist/bundle and writes the oclif
// manifest. Does nothing when nothing changed.
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { dirname, join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { ensure } from "./ensure.js";
import { die, root, run, runTool, say } from "./process.js";

const DIST = join(root, "dist");
const STAMP = join(DIST, ".stamp");
const MANIFEST = join(root, "oclif.manifest.json");
const INPUTS = [
  "src",
  "package.json",
  "package-lock.json",
  "scripts/bundle.js",
  "tsconfig.json",
  "tsconfig.build.json",
];

/**
 * Exit code of the compiler. The result is moved into dist file by file, each atomically, so that
 * a process that runs from dist at this moment never reads half a file.
 */
export function build() {
  ensure();
  const stamp = fingerprint();
  if (fs.existsSync(MANIFEST) && fs.existsSync(STAMP)) {
    if (fs.readFileSync(STAMP, "utf8") === stamp) return 0;
  }
  const fresh = join(root, `dist-${process.pid}`);
  let code = 1;
  try {
    code = runTool("typescript", ["-p", "tsconfig.build.json", "--outDir", fresh], {
      bin: "tsc",
      quiet: true,
    });
    if (code !== 0) say("error: src does not compile");
    const bundled = runScript("bundle.js", join(fresh, "bundle"));
    if (bundled === 0) replace(fresh, DIST);
    else say("error: src could not be bundled");
    code ||= bundled;
  } finally {
    fs.rmSync(fresh, { recursive: true, force: true });
  }
  if (code !== 0) {
    // Without these oclif reads the commands themselves, and the next build starts afresh.
    for (const file of [STAMP, MANIFEST]) fs.rmSync(file, { force: true });
    return code;
  }
  // In a process of its own: a new command file must not meet modules of an older build.
  const manifest = runScript("manifest.js");
  if (manifest !== 0) die("the oclif manifest could not be written", manifest);
  fs.writeFileSync(STAMP, stamp);
  return 0;
}

function runScript(name, ...args) {
  return run(process.execPath, [join(root, "scripts", name), ...args], { quiet: true });
}

function replace(from, to) {
  const kept = new Set();
  for (const file of filesIn(from)) {
    const path = relative(from, file);
    const target = join(to, path);
    kept.add(target);
    if (sameContent(file, target)) continue;
    fs.mkdirSync(dirname(target), { recursive: true });
    fs.renameSync(file, target);
  }
  for (const file of filesIn(to)) if (!kept.has(file)) fs.rmSync(file, { force: true });
}

function sameContent(a, b) {
  return fs.existsSync(b) && fs.readFileSync(a).equals(fs.readFileSync(b));
}

/** Changes when any input does: path, size and content. */
function fingerprint() {
  const hash = createHash("sha256");
  for (const input of INPUTS) {
    const path = join(root, input);
    for (const file of fs.statSync(path).isDirectory() ? filesIn(path) : [path]) {
      const content = fs.readFileSync(file);
      hash.update(`${relative(root, file)} ${content.length}\n`).update(content);
    }
  }
  return hash.digest("hex");
}

function filesIn(folder) {
  return fs
    .readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) process.exitCode = build();
