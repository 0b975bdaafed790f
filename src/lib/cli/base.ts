import { setTimeout as delay } from "node:timers/promises";
import type { Interfaces } from "@oclif/core";
import { Command } from "@oclif/core/command";
import type { Exit } from "../errors.js";
import { toJson, wantsJson } from "./json.js";
import { stdoutClosed, writeErr, writeOut } from "./output.js";
import type { Progress } from "./progress.js";
import { LINE_WIDTH } from "./terminal.js";

/** `--watch` looks again after so long. */
const LOOK_EVERY_MS = 2_000;

export type FlagsOf<T extends typeof Command> = Interfaces.InferredFlags<T["flags"]>;
export type ArgsOf<T extends typeof Command> = Interfaces.InferredArgs<T["args"]>;

/**
 * What every command is built on. `run()` prints for people with `print` and `note`, and returns
 * the value that `--json` prints as one line. Failures are thrown as `OpsError`; nothing here
 * renders them, `start.ts` does, once, whatever threw.
 */
export abstract class BaseCommand<T extends typeof Command> extends Command {
  static override enableJsonFlag = true;

  /**
   * A command that tells what it does while it does it. Under `--json` its stdout is NDJSON: events,
   * then its value as `{"v":1,"type":"result",...}`.
   */
  static streams = false;

  protected flags!: FlagsOf<T>;
  protected args!: ArgsOf<T>;

  abstract override run(): Promise<object>;

  override jsonEnabled(): boolean {
    return wantsJson(this.argv);
  }

  /** How texts are to be laid out; `--verbose` on commands that have it. */
  protected get textOptions(): { readonly width: number; readonly verbose: boolean } {
    const { verbose } = this.flags as { readonly verbose?: boolean };
    return { width: LINE_WIDTH, verbose: verbose === true };
  }

  /** Data for people, on stdout; nothing under `--json`. */
  protected print(text: string): void {
    if (!this.jsonEnabled()) writeOut(text);
  }

  /** Anything else for people, on stderr. */
  protected note(text: string): void {
    writeErr(text);
  }

  /** Under `--json` one NDJSON line on stdout; nothing otherwise. Only where `streams` is set. */
  protected event(type: string, fields: object = {}): void {
    if (!this.#streams) throw new Error(`${this.ctor.name} has events but not "static streams"`);
    if (this.jsonEnabled()) writeOut(toJson({ v: 1, type, ...fields }));
  }

  /** Live progress: a spinner on a terminal, lines elsewhere, `progress` events under `--json`. */
  protected async progress(): Promise<Progress> {
    const { openProgress } = await import("./progress.js");
    return openProgress(
      this.jsonEnabled() ? { events: (type, fields) => this.event(type, fields) } : {},
    );
  }

  /** Waits before `--watch` looks again; false when nobody reads stdout any more: it ends then. */
  protected async waitToLook(): Promise<boolean> {
    await delay(LOOK_EVERY_MS, undefined, { signal: stdoutClosed }).catch(() => {});
    return !stdoutClosed.aborted;
  }

  /** The exit code of a command that ends well but not with 0: changes present, partly reached. */
  protected exitWith(code: Exit): void {
    process.exitCode = code;
  }

  protected override async init(): Promise<void> {
    await super.init();
    // oclif spreads what it is given: of a class that would leave out what it has from the one that it extends.
    const { args: taken, flags: known, enableJsonFlag } = this.ctor;
    const { args, flags } = await this.parse({ args: taken, flags: known, enableJsonFlag });
    this.flags = flags as FlagsOf<T>;
    this.args = args as ArgsOf<T>;
  }

  protected override toSuccessJson(result: unknown): unknown {
    return this.#streams ? { v: 1, type: "result", ...(result as object) } : result;
  }

  protected override logJson(json: unknown): void {
    writeOut(toJson(json));
  }

  /** oclif would print here and lose the exit code; what was thrown goes up as it is. */
  protected override catch(error: Error): Promise<never> {
    return Promise.reject(error);
  }

  get #streams(): boolean {
    return (this.ctor as typeof BaseCommand).streams;
  }
}
