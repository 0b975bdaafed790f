// Builds, then `ops demo` with the arguments given.
import { build } from "./build.js";
import { run } from "./process.js";

// Ctrl-C goes to the whole group: the demo itself cleans up, then this ends with its exit code.
process.on("SIGINT", () => {});
process.exitCode =
  build() || run(process.execPath, ["bin/run.js", "demo", ...process.argv.slice(2)]);
