import { sha256 } from "../plan/hash.js";
import type { RouteTable } from "../routing/table.js";
import { decodeTable, encodeTable } from "../routing/wire.js";
import type { StateStore } from "../state/contract.js";
import { backoff } from "./clock.js";
import { StepFailure, asProblem, failureOf, lockLost, refusalOf } from "./failure.js";
import type { Failure } from "./journal/records.js";
import type { RoutesStatus } from "./journal/status.js";
import {
  type Publishing,
  type RouteChange,
  type RunContext,
  authorityFor,
  stopAtBoundary,
  unlessLeft,
} from "./context.js";
import { NodeWait } from "./waiting.js";

interface Asked {
  readonly step: string | null;
  readonly change: RouteChange;
  readonly needed: readonly string[];
  readonly resolve: (missing: readonly string[]) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Where route tables come from and go to. One publication of a keyspace at a time; the changes that are asked for meanwhile are
 * published together in the next one.
 */
export class Publisher implements Publishing {
  readonly #context: PublisherContext;
  readonly #asked = new Map<string, Asked[]>();
  readonly #publishing = new Set<string>();
  /** What every agent acknowledged the last time: nobody else publishes while this run holds the lock. */
  readonly #last = new Map<string, RouteTable>();
  /** Agents that did not answer the last time: where one is not needed, nobody waits for it again. */
  readonly #silent = new Set<string>();

  constructor(context: PublisherContext) {
    this.#context = context;
  }

  async current(keyspace: string): Promise<RouteTable | null> {
    return newest(await this.#known(keyspace));
  }

  publish(
    step: string | null,
    keyspace: string,
    change: RouteChange,
    needed: readonly string[],
  ): Promise<readonly string[]> {
    return new Promise((resolve, reject) => {
      const asked = this.#asked.get(keyspace) ?? [];
      this.#asked.set(keyspace, asked);
      asked.push({ step, change, needed, resolve, reject });
      if (!this.#publishing.has(keyspace)) void this.#publishAll(keyspace, asked);
    });
  }

  async #publishAll(keyspace: string, asked: Asked[]): Promise<void> {
    this.#publishing.add(keyspace);
    while (asked.length > 0) {
      const together = asked.splice(0);
      try {
        await this.#publish(keyspace, together);
      } catch (error) {
        for (const { reject } of together) reject(error);
      }
    }
    this.#publishing.delete(keyspace);
  }

  async #publish(keyspace: string, asked: readonly Asked[]): Promise<void> {
    const { store, journal, emit, agents } = this.#context;
    await this.#assertHeld(keyspace);
    const known = await this.#known(keyspace);
    let changed = newest(known);
    const changes: Asked[] = [];
    for (const one of asked) {
      try {
        changed = await one.change(changed);
        changes.push(one);
      } catch (error) {
        one.reject(error);
      }
    }
    if (changed === null || changes.length === 0) return;
    const made = changed;
    const text = (of: number) => textOf({ ...made, version: of });
    const version = versionFor(text, known, journal.status?.routes.get(keyspace) ?? null);
    const hash = sha256(text(version));
    await Promise.all(
      changes.map(({ step }) =>
        journal.append({ type: "routes.intent", step, keyspace, version, hash }),
      ),
    );
    await store.putRoutes(keyspace, { version, text: text(version) });
    const table = { ...made, version };
    const needed = new Set(changes.flatMap((one) => one.needed));
    const problems = new Map<string, StepFailure>();
    const told = await Promise.allSettled(
      agents.nodes.map(async (node) => {
        const problem = await this.#tell(changes[0]!.step, node, table, needed.has(node));
        if (problem === null) this.#silent.delete(node);
        else this.#silent.add(node);
        if (problem !== null) problems.set(node, problem);
      }),
    );
    // Only once nothing is sent any more.
    for (const one of told) if (one.status === "rejected") throw one.reason;
    if (problems.size === 0) this.#last.set(keyspace, table);
    else this.#last.delete(keyspace);
    const missing = [...problems.keys()].sort();
    await journal.append({ type: "routes.published", keyspace, version, missing });
    emit({ type: "routes", keyspace, version, missing });
    for (const one of changes) {
      const worst = one.needed.flatMap((node) => problems.get(node) ?? [])[0];
      if (worst === undefined) one.resolve(missing);
      else one.reject(worst);
    }
  }

  /** The tables of a keyspace that the store and the agents that answer have; the store's comes first. */
  async #known(keyspace: string): Promise<RouteTable[]> {
    const { store, agents } = this.#context;
    const last = this.#last.get(keyspace);
    if (last !== undefined) return [last];
    const stored = await readTable(store, keyspace);
    const answers = await unlessLeft(
      this.#context,
      Promise.allSettled(agents.nodes.map(async (node) => (await agents.of(node).routes()).tables)),
    );
    const told = answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
    const all = stored === null ? told : [stored, ...told];
    return all.filter((table) => table.keyspace === keyspace);
  }

  /** The store does not know epochs: what another ops goes on from must not be a table of this one. */
  async #assertHeld(keyspace: string): Promise<void> {
    const { scope, epoch } = authorityFor(this.#context, keyspace);
    const holders = await this.#context.store.holders();
    if (holders.some((holder) => holder.scope === scope && holder.epoch === epoch)) return;
    throw lockLost(scope);
  }

  /** Null once the agent has acknowledged the table. Throws `Interrupted` where it would be waited for and the run is to stop. */
  async #tell(
    step: string | null,
    node: string,
    table: RouteTable,
    isNeeded: boolean,
  ): Promise<StepFailure | null> {
    const { agents, clock, patience, stop } = this.#context;
    const asked = `take version ${table.version} of the routes of ${table.keyspace}`;
    const grace = this.#silent.has(node) ? 0 : patience.routesMs;
    const until = clock.now() + (isNeeded ? patience.reconnectMs : grace);
    const wait = new NodeWait(this.#context, step, node, until);
    try {
      for (let tries = 1; ; tries += 1) {
        try {
          const authority = authorityFor(this.#context, table.keyspace);
          await unlessLeft(this.#context, agents.of(node).putRoutes(table, authority));
          wait.answered();
          return null;
        } catch (error) {
          const problem = asProblem(error);
          const refusal = refusalOf(problem, node, asked);
          if (refusal !== null) return refusal;
          const told = failureOf(problem, node, asked);
          const inMs = backoff(patience.backoffMs, tries);
          if (!problem.retryable || clock.now() + inMs > until)
            return new StepFailure(partial(told));
          // Nobody has to be told of a wait of a few seconds.
          if (isNeeded) wait.failed(told, inMs);
          await clock.sleep(inMs, stop.stopping);
          stopAtBoundary(this.#context);
        }
      }
    } finally {
      await wait.end();
    }
  }
}

type PublisherContext = Pick<
  RunContext,
  "agents" | "store" | "clock" | "patience" | "stop" | "epochs" | "lineage" | "emit" | "journal"
>;

/** The table that the store has; null for a keyspace that was never published. */
export async function readTable(store: StateStore, keyspace: string): Promise<RouteTable | null> {
  const stored = await store.routes(keyspace);
  return stored === null ? null : decodeTable(JSON.parse(stored.text));
}

/** The first of the newest ones. */
function newest(tables: readonly RouteTable[]): RouteTable | null {
  return tables.reduce<RouteTable | null>(
    (best, table) => (best === null || table.version > best.version ? table : best),
    null,
  );
}

function textOf(table: RouteTable): string {
  return JSON.stringify(encodeTable(table));
}

/**
 * The version of a table that is to be published: the highest one that anybody has or that was meant to be published, as long as
 * it is this table; else the next one. An agent never takes another table of the version that it has, and a version that was meant
 * by a process that died may be on its way.
 */
function versionFor(
  text: (version: number) => string,
  known: readonly RouteTable[],
  meant: RoutesStatus | null,
): number {
  const version = Math.max(0, meant?.version ?? 0, ...known.map((table) => table.version));
  if (version === 0) return 1;
  const isOther =
    known.some((table) => table.version === version && textOf(table) !== text(version)) ||
    (meant?.version === version && meant.hash !== sha256(text(version)));
  return isOther ? version + 1 : version;
}

/** A publication that a part of the agents has is no unknown outcome: publishing again is safe. */
function partial(told: Failure): Failure {
  return { ...told, outcome: "partial" };
}
