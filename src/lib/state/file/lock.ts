import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { EXIT, OpsError } from "../../errors.js";
import { durationText } from "../../figures.js";
import type { LockHolder, LockRequest, StopRequest } from "../contract.js";
import { createFile, isCode, makeDirectory } from "./durable.js";
import { isAlive, type ProcessIdentity, thisProcess } from "./process.js";

/**
 * The lock of one scope, as files in one directory that are only ever created, never changed or removed:
 *
 *     7.lock      epoch 7 was taken: who, when
 *     7.stop      somebody wants its holder to stop: who, why
 *     7.released  epoch 7 is over
 *
 * The highest `N.lock` is the lock. It is free when `N.released` exists or its process is dead; whoever then creates
 * `N+1.lock` (of many, one does) has the lock and its new epoch in the same step. So two takers of a dead lock cannot
 * both have it, and no epoch is ever given twice.
 */
export class ScopeLock {
  readonly #directory: string;
  readonly #scope: string;

  constructor(directory: string, scope: string) {
    this.#directory = directory;
    this.#scope = scope;
  }

  /** Takes the lock. Throws `locked` (exit 5) when it is held. `note` says whose dead lock was taken over. */
  async take(request: LockRequest): Promise<{ epoch: bigint; note: string | null }> {
    await makeDirectory(this.#directory);
    const self = thisProcess();
    for (;;) {
      const held = await this.#latest();
      if (held !== null && !held.released) {
        const holder = describe(this.#scope, held, self);
        if (holder.alive !== "no") throw lockedError(holder, request.now);
      }
      const epoch = (held?.epoch ?? 0n) + 1n;
      const record: LockRecord = {
        v: 1,
        run: request.run,
        actor: request.actor,
        since: request.now,
        process: self,
      };
      if (!(await createFile(this.#path(epoch, "lock"), `${JSON.stringify(record)}\n`))) continue;
      // It may have let go and ended since it was looked at.
      const dead = held !== null && !held.released && !(await this.#isReleased(held.epoch));
      return { epoch, note: dead ? deadNote(this.#scope, held.record) : null };
    }
  }

  async release(epoch: bigint): Promise<void> {
    await createFile(this.#path(epoch, "released"), "");
  }

  /** Who holds the lock; null when it is free. */
  async holder(): Promise<LockHolder | null> {
    const held = await this.#latest();
    return held === null || held.released ? null : describe(this.#scope, held, thisProcess());
  }

  /** Asks the holder of this epoch to stop. False where it is over. */
  async askToStop(epoch: bigint, { actor, command }: StopRequest): Promise<boolean> {
    const held = await this.#latest();
    if (held === null || held.released || held.epoch !== epoch) return false;
    await createFile(this.#path(epoch, "stop"), `${JSON.stringify({ actor, command })}\n`);
    return true;
  }

  /** Who wants the holder of this epoch to stop; null for nobody. */
  async stopRequest(epoch: bigint): Promise<StopRequest | null> {
    const path = this.#path(epoch, "stop");
    try {
      return JSON.parse(await readFile(path, "utf8")) as StopRequest;
    } catch (error) {
      if (isCode(error, "ENOENT")) return null;
      throw error;
    }
  }

  async #isReleased(epoch: bigint): Promise<boolean> {
    const names = await readdir(this.#directory);
    return names.includes(`${epoch}.released`);
  }

  #path(epoch: bigint, what: "lock" | "stop" | "released"): string {
    return join(this.#directory, `${epoch}.${what}`);
  }

  async #latest(): Promise<Held | null> {
    const names = await readdir(this.#directory).catch((error: unknown): string[] => {
      if (isCode(error, "ENOENT")) return [];
      throw error;
    });
    const epochs = names
      .filter((name) => LOCK.test(name))
      .map((name) => BigInt(name.slice(0, -".lock".length)));
    if (epochs.length === 0) return null;
    const epoch = epochs.reduce((a, b) => (a > b ? a : b));
    const path = this.#path(epoch, "lock");
    const record = parseRecord(await readFile(path, "utf8"), path);
    return { epoch, record, released: names.includes(`${epoch}.released`) };
  }
}

const LOCK = /^\d+\.lock$/;

interface LockRecord {
  readonly v: 1;
  readonly run: string;
  readonly actor: string;
  readonly since: number;
  readonly process: ProcessIdentity;
}

interface Held {
  readonly epoch: bigint;
  readonly record: LockRecord;
  readonly released: boolean;
}

function parseRecord(text: string, path: string): LockRecord {
  try {
    const record = JSON.parse(text) as LockRecord;
    if (record.v === 1 && typeof record.process.pid === "number") return record;
  } catch {
    // Falls through to the one error below.
  }
  throw new OpsError("bad-lock", EXIT.failure, `${path} is not a lock file`, {
    hint: "restore the state directory from a copy; lock files are never edited by hand",
  });
}

function describe(scope: string, held: Held, self: ProcessIdentity): LockHolder {
  const { run, actor, since, process } = held.record;
  const alive = isAlive(process, self);
  return {
    scope,
    epoch: held.epoch,
    run,
    actor,
    host: process.host,
    pid: process.pid,
    since,
    alive,
  };
}

function deadNote(scope: string, record: LockRecord): string {
  return `took over the lock of ${scope} from run ${record.run}: its process ${record.process.pid} on ${record.process.host} is gone`;
}

function lockedError(holder: LockHolder, now: number): OpsError {
  const { scope, run, actor, pid, host, since, epoch, alive } = holder;
  const seconds = Math.max(0, Math.round((now - since) / 1000));
  const message = `${scope} is locked by run ${run} (${actor}, process ${pid} on ${host}) since ${new Date(since).toISOString()}, for ${durationText(seconds * 1000)}`;
  const hint =
    alive === "yes"
      ? `wait for it (ops run show ${run} --watch), or have it stop at its next safe boundary: ops run stop ${run}`
      : `if that process is gone for certain: ops run unlock ${scope}`;
  return new OpsError("locked", EXIT.locked, message, {
    hint,
    details: {
      scope,
      run,
      actor,
      pid,
      host,
      since: new Date(since).toISOString(),
      seconds,
      epoch: String(epoch),
      alive,
    },
  });
}
