// Builds, compiles bench/ against dist, and runs it with the arguments given.
import * as fs from "node:fs";
import { join } from "node:path";
import { build } from "./build.js";
import { root, run, runTool } from "./process.js";

const out = join(root, "dist-bench");

function bench() {
  const built = build();
  if (built !== 0) return built;
  fs.rmSync(out, { recursive: true, force: true });
  const compiled = runTool("typescript", ["-p", "tsconfig.bench.json"], {
    bin: "tsc",
    quiet: true,
  });
  if (compiled !== 0) return compiled;
  // What bench imports from ../src is the product as built, not a second copy of it.
  fs.rmSync(join(out, "src"), { recursive: true, force: true });
  fs.symlinkSync("../dist", join(out, "src"), "dir");
  return run(process.execPath, [join(out, "bench/main.js"), ...process.argv.slice(2)]);
}

process.exitCode = bench();
