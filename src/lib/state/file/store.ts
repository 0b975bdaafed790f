import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { EXIT, OpsError } from "../../errors.js";
import type {
  JournalLog,
  Lease,
  LockHolder,
  LockRequest,
  StateStore,
  StopRequest,
  StoredDocument,
} from "../contract.js";
import { assertNewer, documentText, readDocument } from "./document.js";
import { createFile, isCode, makeDirectory, replaceFile } from "./durable.js";
import { FileJournalLog } from "./journal-log.js";
import { ScopeLock } from "./lock.js";
import { list, readText } from "./present.js";
import { JOURNAL, PLAN, makeRunDirectory } from "./run-directory.js";

/**
 * The state of a control plane in a directory, `.ops/` by default:
 *
 *     lineage                    locks/SCOPE/N.lock, N.stop, N.released
 *     routes/KEYSPACE.json       runs/RUN/plan.json, journal.ndjson
 *     policy.json
 *
 * Nothing is created before the first write. Must be a local file system (hard links and fsync that mean what they say).
 */
export class FileStateStore implements StateStore {
  readonly where: string;

  constructor(directory: string) {
    this.where = resolve(directory);
  }

  async exists(): Promise<boolean> {
    return (await list(this.where)).length > 0;
  }

  async lineage(): Promise<string> {
    const known = await this.knownLineage();
    if (known !== null) return known;
    const path = this.#lineagePath();
    await makeDirectory(this.where);
    await createFile(path, `${randomBytes(16).toString("hex")}\n`);
    return lineageIn(await readFile(path, "utf8"), path);
  }

  async knownLineage(): Promise<string | null> {
    const path = this.#lineagePath();
    const known = await readText(path);
    return known === null ? null : lineageIn(known, path);
  }

  async acquire(scopes: readonly string[], request: LockRequest): Promise<Lease> {
    // Without it no agent would obey the epoch.
    await this.lineage();
    const taken: { scope: string; epoch: bigint }[] = [];
    const notes: string[] = [];
    const release = async (): Promise<void> => {
      for (const { scope, epoch } of taken.splice(0).reverse())
        await this.#lock(scope).release(epoch);
    };
    try {
      // One order for everyone, so that two runs over the same scopes cannot each hold a part.
      for (const scope of [...new Set(scopes)].sort()) {
        const { epoch, note } = await this.#lock(scope).take(request);
        taken.push({ scope, epoch });
        if (note !== null) notes.push(note);
      }
    } catch (error) {
      await release();
      throw error;
    }
    return {
      epochs: Object.fromEntries(taken.map(({ scope, epoch }) => [scope, epoch])),
      notes,
      stopRequest: async () => {
        for (const { scope, epoch } of taken) {
          const request = await this.#lock(scope).stopRequest(epoch);
          if (request !== null) return request;
        }
        return null;
      },
      release,
    };
  }

  async holders(): Promise<readonly LockHolder[]> {
    const scopes = (await list(join(this.where, "locks"))).map(decodeURIComponent);
    const holders = await Promise.all(scopes.map((scope) => this.#lock(scope).holder()));
    return holders.filter((holder) => holder !== null);
  }

  askToStop(scope: string, epoch: bigint, by: StopRequest): Promise<boolean> {
    return this.#lock(scope).askToStop(epoch, by);
  }

  async breakLock(scope: string): Promise<LockHolder | null> {
    const holder = await this.#lock(scope).holder();
    if (holder !== null) await this.#lock(scope).release(holder.epoch);
    return holder;
  }

  routes(keyspace: string): Promise<StoredDocument | null> {
    return readDocument(this.#routesPath(keyspace), "routes", "a stored route table");
  }

  policy(): Promise<StoredDocument | null> {
    return readDocument(this.#policyPath(), "policy", "a stored policy");
  }

  async routedKeyspaces(): Promise<readonly string[]> {
    const names = await list(join(this.where, "routes"));
    return names
      .flatMap((name) => (name.endsWith(".json") ? [decodeURIComponent(name.slice(0, -5))] : []))
      .sort();
  }

  async putRoutes(keyspace: string, routes: StoredDocument): Promise<void> {
    assertNewer(await this.routes(keyspace), routes, "routes", `the routes of ${keyspace}`);
    await makeDirectory(join(this.where, "routes"));
    await replaceFile(this.#routesPath(keyspace), documentText(routes));
  }

  async putPolicy(policy: StoredDocument): Promise<void> {
    assertNewer(await this.policy(), policy, "policy", "the policy");
    await makeDirectory(this.where);
    await replaceFile(this.#policyPath(), documentText(policy));
  }

  async createRun(run: string, plan: string): Promise<void> {
    this.#runPath(run);
    await makeRunDirectory(join(this.where, "runs"), run, plan);
  }

  async runs(): Promise<readonly string[]> {
    return (await list(join(this.where, "runs"))).filter((name) => RUN_ID.test(name)).sort();
  }

  async plan(run: string): Promise<string> {
    return (await readText(join(this.#runPath(run), PLAN))) ?? this.#missing(run, PLAN);
  }

  async readJournal(run: string): Promise<Uint8Array> {
    try {
      return await readFile(join(this.#runPath(run), JOURNAL));
    } catch (error) {
      if (!isCode(error, "ENOENT")) throw error;
      return (await this.#isThere(run)) ? new Uint8Array() : noSuchRun(run, this.where);
    }
  }

  async openJournal(run: string): Promise<JournalLog> {
    try {
      return await FileJournalLog.open(join(this.#runPath(run), JOURNAL));
    } catch (error) {
      if (isCode(error, "ENOENT")) return this.#missing(run, JOURNAL);
      throw error;
    }
  }

  placeOf(run: string): string {
    return this.#runPath(run);
  }

  #lineagePath(): string {
    return join(this.where, "lineage");
  }

  #lock(scope: string): ScopeLock {
    return new ScopeLock(join(this.where, "locks", encodeURIComponent(scope)), scope);
  }

  #routesPath(keyspace: string): string {
    return join(this.where, "routes", `${encodeURIComponent(keyspace)}.json`);
  }

  #policyPath(): string {
    return join(this.where, "policy.json");
  }

  async #isThere(run: string): Promise<boolean> {
    return (await list(join(this.where, "runs"))).includes(run);
  }

  async #missing(run: string, file: string): Promise<never> {
    if (!(await this.#isThere(run))) return noSuchRun(run, this.where);
    const message = `${this.#runPath(run)} has no ${file}`;
    throw new OpsError("damaged-run", EXIT.failure, message, {
      hint: "ops run list says what to do about it",
    });
  }

  #runPath(run: string): string {
    // A run's id comes from the command line and becomes a path.
    if (!RUN_ID.test(run)) return noSuchRun(run, this.where);
    return join(this.where, "runs", run);
  }
}

const RUN_ID = /^r-[0-9a-z-]{1,64}$/;

function noSuchRun(run: string, where: string): never {
  throw new OpsError(
    "no-such-run",
    EXIT.usage,
    `there is no run ${JSON.stringify(run)} in ${where}`,
    {
      hint: "ops run list shows the runs; --state or OPS_STATE names another state directory",
    },
  );
}

/** The agents obey the lineage that they know: with another one nothing can be done. */
function lineageIn(text: string, path: string): string {
  const lineage = text.trim();
  if (/^[0-9a-f]{32}$/.test(lineage)) return lineage;
  throw new OpsError("bad-state", EXIT.failure, `${path} does not hold a lineage (32 hex digits)`, {
    hint: "restore it from a copy, or from what ops agent status --json says that the agents obey",
  });
}
