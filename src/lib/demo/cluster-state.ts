import { mkdirSync, openSync, readFileSync, rmSync, writeSync, closeSync } from "node:fs";
import { join } from "node:path";
import writeFileAtomic from "write-file-atomic";
import { EXIT, OpsError } from "../errors.js";
import { isAlive, startTimeOf, type ProcessId } from "./process.js";

export interface AgentRecord extends ProcessId {
  readonly node: string;
  /** Null until it was ready for the first time. */
  readonly url: string | null;
  readonly dir: string;
}

/** `agents.json` of a cluster's directory. */
export interface ClusterState {
  readonly v: 1;
  readonly agents: readonly AgentRecord[];
  /** Hashes of the topology as given and as written with the URLs in it; null before it was written. */
  readonly topology: { readonly given: string; readonly written: string } | null;
}

const EMPTY: ClusterState = { v: 1, agents: [], topology: null };

export function readState(dir: string): ClusterState {
  const path = join(dir, "agents.json");
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return EMPTY;
    throw error;
  }
  try {
    const state = JSON.parse(text) as ClusterState;
    if (state.v === 1 && Array.isArray(state.agents) && state.agents.every(isRecord)) return state;
  } catch {
    // Said below.
  }
  throw new OpsError("dev-state", EXIT.failure, `${path} is not what \`ops dev up\` writes`, {
    hint: "Stop its agents by hand, remove the directory, and begin again.",
  });
}

export async function writeState(dir: string, state: ClusterState): Promise<void> {
  await writeFileAtomic(join(dir, "agents.json"), `${JSON.stringify(state, null, 2)}\n`);
}

/** Two commands at once on one directory would start every agent twice. Returns what releases it. */
export function lockDirectory(dir: string): () => void {
  mkdirSync(dir, { recursive: true });
  const path = join(dir, "dev.lock");
  for (let tries = 0; tries < 2; tries += 1) {
    try {
      const file = openSync(path, "wx");
      writeSync(file, JSON.stringify({ pid: process.pid, startTime: startTimeOf(process.pid) }));
      closeSync(file);
      return () => rmSync(path, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      if (holderOf(path) !== null) break;
      rmSync(path, { force: true });
    }
  }
  throw new OpsError(
    "locked",
    EXIT.locked,
    `another \`ops dev\` (pid ${holderOf(path) ?? "unknown"}) works on ${dir}`,
    {
      hint: "Wait for it to end and try again.",
    },
  );
}

function holderOf(path: string): number | null {
  try {
    const holder = JSON.parse(readFileSync(path, "utf8")) as ProcessId;
    return isAlive(holder) ? holder.pid : null;
  } catch {
    return null;
  }
}

function isRecord(value: unknown): value is AgentRecord {
  const { node, pid, startTime, url, dir } = (value ?? {}) as Record<string, unknown>;
  return (
    typeof node === "string" &&
    Number.isSafeInteger(pid) &&
    (pid as number) > 1 &&
    typeof startTime === "string" &&
    typeof dir === "string" &&
    (url === null || typeof url === "string")
  );
}
