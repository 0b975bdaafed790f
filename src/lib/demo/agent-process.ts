import { spawn } from "node:child_process";
import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { AgentRole } from "../agent/protocol/node.js";
import { EXIT, OpsError } from "../errors.js";
import { PACKAGE_ROOT } from "./package-root.js";
import { freePort } from "./port.js";
import { isAlive, killProcess, startTimeOf, type ProcessId } from "./process.js";

export const OPS = fileURLToPath(new URL("bin/run.js", PACKAGE_ROOT));

const READY_WITHIN_MS = 60_000;
/** Of a log that is shown. */
const END_LINES = 15;
const END_BYTES = 64 * 1024;
/** Another process may take a chosen port first. */
const PORT_TRIES = 5;

export type AgentSettings =
  | { readonly role: Exclude<AgentRole, "gateway"> }
  | {
      readonly role: "gateway";
      readonly site: string;
      readonly loginsPerSecond: number;
      readonly maxSessions: number;
      readonly heartbeatMs?: number;
    };

/** Where clients connect to a gateway. */
const GATEWAY_PORTS = 2;

export interface AgentPlace {
  readonly node: string;
  /** What its configuration says besides its name, place and port. */
  readonly settings: AgentSettings;
  /** Holds the agent's configuration, data and log. */
  readonly dir: string;
  /** The port that it must have, or null for any. */
  readonly port: number | null;
}

export interface AgentProcess extends ProcessId {
  readonly node: string;
  readonly url: string;
  readonly dir: string;
  /** Resolves, with how, when it has ended, while this process runs. */
  readonly ended: Promise<string>;
}

/** Told as soon as the process exists, before it is ready. */
export type OnSpawn = (process: ProcessId) => void | Promise<void>;

/**
 * Starts `ops agent serve` in a process that outlives this one and waits until it answers.
 * Throws OpsError `agent-start` with the end of its log.
 */
export async function startAgent(
  place: AgentPlace,
  onSpawn: OnSpawn = () => undefined,
): Promise<AgentProcess> {
  for (let left = place.port === null ? PORT_TRIES : 1; ; left -= 1) {
    const port = place.port ?? (await freePort());
    try {
      return await startOn(place, port, onSpawn);
    } catch (error) {
      const taken = error instanceof OpsError && /EADDRINUSE/.test(String(error.details));
      if (!taken || left <= 1) throw error;
    }
  }
}

async function startOn(place: AgentPlace, port: number, onSpawn: OnSpawn): Promise<AgentProcess> {
  const { node, dir } = place;
  mkdirSync(dir, { recursive: true });
  const config = configOf(dir);
  // JSON is YAML.
  const listen = { host: "127.0.0.1", port };
  const settings = { ...(await settingsOf(place)), node, dir: join(dir, "data"), listen };
  writeFileSync(config, `${JSON.stringify(settings, null, 2)}\n`);

  const log = openSync(logOf(dir), "a+");
  try {
    const logFrom = fstatSync(log).size;
    const child = spawn(process.execPath, [OPS, "agent", "serve", "--config", config], {
      stdio: ["ignore", log, log],
      detached: true,
      cwd: dir,
      env: environment(),
    });
    child.unref();
    let exit: string | null = null;
    child.once("error", (error) => (exit = error.message));
    const ended = new Promise<string>((resolve) =>
      child.once("exit", (code, by) => {
        exit = by === null ? `exit code ${String(code)}` : `signal ${by}`;
        resolve(exit);
      }),
    );
    await new Promise((resolve) => child.once("spawn", resolve).once("error", resolve));
    const startTime = child.pid === undefined ? null : startTimeOf(child.pid);
    if (child.pid === undefined || startTime === null)
      throw notStarted(place, exit ?? "it ended at once", textFrom(log, logFrom));

    const id: ProcessId = { pid: child.pid, startTime };
    await onSpawn(id);
    const until = performance.now() + READY_WITHIN_MS;
    for (;;) {
      // Asked before the log is read: what an ended process wrote is then all there.
      const gone = !isAlive(id);
      const url = readyUrl(textFrom(log, logFrom), node);
      if (url !== null && !gone) return { ...id, node, url, dir, ended };
      if (gone) throw notStarted(place, exit ?? "it ended", textFrom(log, logFrom));
      if (performance.now() > until) {
        await killProcess(id);
        const why = `not ready after ${READY_WITHIN_MS / 1000} s`;
        throw notStarted(place, why, textFrom(log, logFrom));
      }
      await sleep(20);
    }
  } finally {
    closeSync(log);
  }
}

/** The ports of a gateway stay, as its address does: clients know them. */
async function settingsOf({ settings, dir, port }: AgentPlace): Promise<object> {
  if (settings.role !== "gateway") return settings;
  const before = port === null ? null : (JSON.parse(readFileSync(configOf(dir), "utf8")) as object);
  if (before !== null && "ports" in before) return { ...settings, ports: before.ports };
  return {
    ...settings,
    ports: await Promise.all(Array.from({ length: GATEWAY_PORTS }, () => freePort())),
  };
}

function configOf(dir: string): string {
  return join(dir, "agent.yaml");
}

/** Test runners set NODE_ENV, by which the CLI framework would look for TypeScript sources instead of the build. */
function environment(): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { ...process.env, NODE_ENV: "production" };
  for (const name of Object.keys(env)) if (name.startsWith("VITEST")) delete env[name];
  return env;
}

function readyUrl(text: string, node: string): string | null {
  for (const line of text.split("\n").slice(0, -1)) {
    if (!line.includes('"ready"')) continue;
    try {
      const said = JSON.parse(line) as { type?: unknown; node?: unknown; url?: unknown };
      if (said.type === "ready" && said.node === node && typeof said.url === "string")
        return said.url;
    } catch {
      // A log line of another kind.
    }
  }
  return null;
}

function notStarted({ node, dir }: AgentPlace, why: string, text: string): OpsError {
  return new OpsError(
    "agent-start",
    EXIT.failure,
    `the agent of ${node} did not start: ${why}\n${lastLines(text)}`.trimEnd(),
    { hint: `its whole log is ${logOf(dir)}`, details: text },
  );
}

/** Where the output of the agent of a node's directory goes. */
export function logOf(dir: string): string {
  return join(dir, "agent.log");
}

/** The last lines that the agent of a node's directory wrote. */
export function endOfLog(dir: string): string {
  const log = openSync(logOf(dir), "r");
  try {
    return lastLines(textFrom(log, Math.max(0, fstatSync(log).size - END_BYTES)));
  } finally {
    closeSync(log);
  }
}

function lastLines(text: string): string {
  return text.trimEnd().split("\n").slice(-END_LINES).join("\n");
}

function textFrom(file: number, from: number): string {
  const length = Math.min(fstatSync(file).size - from, 1 << 20);
  if (length <= 0) return "";
  const bytes = Buffer.alloc(length);
  return bytes.toString("utf8", 0, readSync(file, bytes, 0, length, from));
}
