#!/usr/bin/env node
import { existsSync, readFileSync } from "node:fs";
import module from "node:module";
import { fileURLToPath } from "node:url";

const root = new URL("../", import.meta.url);

if (process.argv[2] === "--version") {
  // Answered here: loading the command line takes several times as long as this.
  const { version } = JSON.parse(readFileSync(new URL("package.json", root), "utf8"));
  process.stdout.on("error", () => {});
  process.stdout.write(`ops ${version}\n`);
} else if (!existsSync(new URL("dist/bundle/start.js", root))) {
  process.stderr.write("error: ops is not built\nhint: npm run build\n");
  process.exitCode = 1;
} else {
  module.enableCompileCache?.();
  const { start } = await import("../dist/bundle/start.js");
  await start(process.argv.slice(2), fileURLToPath(root));
}
