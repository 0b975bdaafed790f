import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../../", import.meta.url));

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
  /** stdout, line by line, each as JSON. */
  json: () => unknown[];
}

/**
 * The real bin, hooks and library, over the commands of `test/cli/commands`. Module by module: these
 * commands and what starts them must not have two copies of the library.
 */
export class Sandbox {
  readonly #root = mkdtempSync(join(tmpdir(), "ops-cli-"));
  readonly #bin = join(this.#root, "bin/run.js");

  constructor() {
    const bundle = join(this.#root, "dist/bundle");
    mkdirSync(bundle, { recursive: true });
    cpSync(join(root, "bin"), join(this.#root, "bin"), { recursive: true });
    cpSync(join(root, "package.json"), join(this.#root, "package.json"));
    cpSync(join(root, "test/cli/commands"), join(bundle, "commands"), { recursive: true });
    for (const path of ["lib", "hooks"]) {
      symlinkSync(join(root, "dist", path), join(bundle, path), "dir");
    }
    symlinkSync(join(root, "node_modules"), join(this.#root, "node_modules"), "dir");
    writeFileSync(join(bundle, "start.js"), 'export * from "./lib/cli/start.js";\n');
  }

  ops(args: readonly string[], env: Record<string, string> = {}): Ended {
    return ops(args, env, this.#bin);
  }

  start(args: readonly string[]): ChildProcess {
    const stdio = ["ignore", "pipe", "pipe"] as const;
    return spawn(process.execPath, [this.#bin, ...args], { stdio: [...stdio], env: plain({}) });
  }

  remove(): void {
    rmSync(this.#root, { recursive: true });
  }
}

/** Runs the bin of the repository, or another, to its end. */
export function ops(
  args: readonly string[],
  env: Record<string, string> = {},
  bin: string = join(root, "bin/run.js"),
): Ended {
  const child = spawnSync(process.execPath, [bin, ...args], { encoding: "utf8", env: plain(env) });
  const { status: code, stdout, stderr } = child;
  const json = (): unknown[] =>
    stdout
      .split("\n")
      .filter((line) => line !== "")
      .map((line): unknown => JSON.parse(line));
  return { code, stdout, stderr, json };
}

/** What the shell of a test run happens to have set must not matter. */
function plain(env: Record<string, string>): NodeJS.ProcessEnv {
  const { DEBUG: _d, CI: _c, NO_COLOR: _n, FORCE_COLOR: _f, OPS_STATE: _s, ...rest } = process.env;
  return { ...rest, ...env };
}
