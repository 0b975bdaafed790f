// usage: node scripts/bundle.js FOLDER
// Bundles what `ops` runs, packages included, into few files in FOLDER. Most of what a short command
// or the start of an agent costs is finding and reading many small ones.
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { rolldown } from "rolldown";
import { root } from "./process.js";

const SRC = join(root, "src");
/** The first two find native code or WebAssembly beside their own files; oclif looks for the compiler to run commands from source, which nobody does. */
const NOT_BUNDLED = /^(lmdb|highs|typescript)(\/|$)/;

const folder = process.argv[2];
const bundle = await rolldown({
  input: entries(),
  cwd: root,
  platform: "node",
  external: NOT_BUNDLED,
  resolve: { extensionAlias: { ".js": [".ts", ".js"] } },
  // What CommonJS modules call themselves.
  transform: { define: { __dirname: "import.meta.dirname", __filename: "import.meta.filename" } },
  checks: { eval: false, ineffectiveDynamicImport: false },
});
const { output } = await bundle.write({
  dir: folder,
  format: "esm",
  chunkFileNames: "chunks/[name]-[hash].js",
  sourcemap: true,
  sourcemapExcludeSources: true,
});
writeFileSync(join(folder, "THIRD-PARTY.txt"), notices(output));

/** Where a process begins, by its place in the bundle: oclif finds commands by the names of files. */
function entries() {
  const files = ["commands", "hooks"].flatMap((place) =>
    readdirSync(join(SRC, place), { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath ?? entry.path, entry.name)),
  );
  const named = files.map((file) => [relative(SRC, file).replace(/\.ts$/, ""), file]);
  return { ...Object.fromEntries(named), start: join(SRC, "lib/cli/start.ts") };
}

/** The licenses of the packages whose code is in the bundle. */
function notices(chunks) {
  const packages = new Set();
  for (const id of chunks.flatMap(({ moduleIds = [] }) => moduleIds)) {
    const found = /^.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+/.exec(id);
    if (found !== null) packages.add(found[0]);
  }
  return [...packages]
    .sort((a, b) => a.localeCompare(b))
    .map(notice)
    .join("\n");
}

function notice(path) {
  const { name, version, license } = JSON.parse(readFileSync(join(path, "package.json"), "utf8"));
  const texts = readdirSync(path)
    .filter((file) => /^(licen[cs]e|notice|copying)/i.test(file))
    .map((file) => readFileSync(join(path, file), "utf8").trim());
  return (
    [`${name} ${version} (${license})`, ...texts].join("\n\n") + "\n\n" + "-".repeat(80) + "\n"
  );
}
