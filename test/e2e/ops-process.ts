import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { pathToFileURL } from "node:url";
import { OPS } from "../../src/lib/demo/agent-process.js";
import type { JournalRecord } from "../../src/lib/run/journal/records.js";

const KILL_AT_APPEND = pathToFileURL(join(import.meta.dirname, "kill-at-append.js")).href;
/** Commands that tell what they do, line by line, under `--json`. */
const STREAMING =
  /^(shard (apply|rollback|finalize|verify)|run (resume|rollback|finalize|stop)|schedule (balance|mask|disable|drain|restore|shift|drill)|region (evacuate|restore)) /;

export type Json = Record<string, unknown>;
/** A number of journal appends (0: never), or the first record of a type. */
export type KillAt = number | JournalRecord["type"];

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
  /** Every line of stdout. */
  readonly lines: readonly Json[];
  /** The last one: the result, or the error. Empty for a process that was killed. */
  readonly json: Json;
}

/** A command that runs. */
export interface Running {
  readonly child: ChildProcess;
  /** What it has said so far. */
  readonly lines: readonly Json[];
  readonly ended: Promise<Ended>;
  /** The first event that matches, also of those that came before. Rejects when the command ends without it. */
  event(matches: (event: Json) => boolean): Promise<Json>;
}

/** With which state directory, and when it is killed; `json`: not for people. */
export interface How {
  readonly state: string;
  readonly killAt?: KillAt;
  readonly json?: boolean;
}

/** Begins `ops ...`, by default with `--json`; with `killAt` it is killed after that journal append. */
export function beginOps(
  args: readonly string[],
  { state, killAt = 0, json = true }: How,
): Running {
  const node = killAt === 0 ? [] : ["--import", KILL_AT_APPEND];
  const env = { ...process.env, OPS_STATE: state, OPS_TEST_KILL_AT: String(killAt) };
  const child = spawn(process.execPath, [...node, OPS, ...args, ...(json ? ["--json"] : [])], {
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const lines: Json[] = [];
  const waiting = new Set<() => void>();
  const reading = (async () => {
    for await (const line of createInterface({ input: child.stdout })) {
      // A killed process may leave half a line.
      if (json && line.endsWith("}")) lines.push(JSON.parse(line) as Json);
      for (const wake of waiting) wake();
    }
  })();
  const ended = Promise.all([text(child.stderr), reading, once(child, "close")]).then(
    ([stderr]): Ended => {
      const whole = json && child.signalCode === null;
      const last = lines.at(-1) ?? {};
      if (whole && STREAMING.test(`${args.join(" ")} `)) {
        const expected = child.exitCode === 0 ? ["result"] : ["result", "error"];
        if (!expected.includes(String(last["type"])))
          throw new Error(`ops ${args.join(" ")} ended with ${JSON.stringify(last)}: ${stderr}`);
      }
      const { exitCode: code, signalCode: signal } = child;
      return { code, signal, stderr, lines, json: whole ? last : {} };
    },
  );
  ended.catch(() => undefined);
  const event = async (matches: (event: Json) => boolean): Promise<Json> => {
    let over: string | null = null;
    void ended.then(
      ({ code, stderr }) => (over = `it ended with ${String(code)}: ${stderr}`),
      (error: unknown) => (over = String(error)),
    );
    for (;;) {
      const found = lines.find(matches);
      if (found !== undefined) return found;
      if (over !== null) throw new Error(`ops ${args.join(" ")} never said it: ${String(over)}`);
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          waiting.delete(wake);
          resolve();
        };
        waiting.add(wake);
        void ended.finally(wake).catch(() => undefined);
      });
    }
  };
  return { child, lines, ended, event };
}
