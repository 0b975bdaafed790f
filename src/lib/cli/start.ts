import { Config } from "@oclif/core/config";
import { ExitError } from "@oclif/core/errors";
import { run } from "@oclif/core/run";
import { settings } from "@oclif/core/settings";
import { report } from "./failure.js";
import { wantsJson } from "./json.js";
import { tolerateClosedPipes } from "./output.js";

/**
 * Runs one command line. `root` is the package's folder. Every failure ends up here, so that
 * rendering and exit codes are the same for all commands, with and without `--json`.
 */
export async function start(argv: readonly string[], root: string): Promise<void> {
  const json = wantsJson(argv);
  const fail = (error: unknown): never => process.exit(report(error, json));
  tolerateClosedPipes();
  // Under NODE_ENV=test oclif would look for TypeScript sources instead of what was built.
  settings.enableAutoTranspile = false;
  process.on("uncaughtException", fail);
  try {
    const config = await Config.load(root);
    await run(helpLast(argv), config);
  } catch (error) {
    if (error instanceof ExitError) process.exit(error.oclif.exit);
    fail(error);
  }
}

/** `ops help run show` is `ops run show --help`. */
function helpLast(argv: readonly string[]): string[] {
  return argv[0] === "help" ? [...argv.slice(1), "--help"] : [...argv];
}
