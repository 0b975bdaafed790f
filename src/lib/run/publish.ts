import { sha256 } from "../plan/hash.js";
import type { Authority } from "../agent/protocol/headers.js";
import type { StateStore } from "../state/contract.js";
import { backoff } from "./clock.js";
import { StepFailure, asProblem, failureOf, lockLost, refusalOf } from "./failure.js";
import type { Agent } from "./agents.js";
import type { RunEvent } from "./events.js";
import type { Failure, RecordBody } from "./journal/records.js";
import type { PublishedStatus, RunStatus } from "./journal/status.js";
import {
  type Change,
  type Publishing,
  type RunContext,
  authorityFor,
  stopAtBoundary,
  unlessLeft,
} from "./context.js";
import { NodeWait } from "./waiting.js";

/** A document of which every agent of a plan is to have the newest version: a route table, the policy for users. */
export interface Publication<D extends { readonly version: number }> {
  /** Whose lock and epoch it takes. */
  readonly scope: string;
  /** `the routes of profile` */
  readonly what: string;
  stored(store: StateStore): Promise<D | null>;
  keep(store: StateStore, version: number, text: string): Promise<void>;
  ask(agent: Agent): Promise<readonly D[]>;
  tell(agent: Agent, document: D, authority: Authority): Promise<unknown>;
  text(document: D): string;
  /** What this run meant to publish last. */
  meant(status: RunStatus | null): PublishedStatus | null;
  intent(step: string | null, version: number, hash: string): RecordBody;
  published(
    version: number,
    missing: readonly string[],
  ): { readonly record: RecordBody; readonly event: RunEvent };
}

interface Asked<D> {
  readonly step: string | null;
  readonly change: Change<D>;
  readonly needed: readonly string[];
  readonly resolve: (missing: readonly string[]) => void;
  readonly reject: (error: unknown) => void;
}

/** Publishes a document. One publication at a time; the changes that are asked for meanwhile are published together in the next one. */
export class Publisher<D extends { readonly version: number }> implements Publishing<D> {
  readonly #context: PublisherContext;
  readonly #of: Publication<D>;
  #asked: Asked<D>[] = [];
  #isPublishing = false;
  /** What every agent acknowledged the last time: nobody else publishes while this run holds the lock. */
  #last: D | null = null;
  /** Agents that did not answer the last time: where one is not needed, nobody waits for it again. Shared by the publishers of a run. */
  readonly #silent: Set<string>;

  constructor(context: PublisherContext, of: Publication<D>, silent: Set<string>) {
    this.#context = context;
    this.#of = of;
    this.#silent = silent;
  }

  async current(): Promise<D | null> {
    return newest(await this.#known());
  }

  publish(
    step: string | null,
    change: Change<D>,
    needed: readonly string[],
  ): Promise<readonly string[]> {
    return new Promise((resolve, reject) => {
      this.#asked.push({ step, change, needed, resolve, reject });
      if (!this.#isPublishing) void this.#publishAll();
    });
  }

  async #publishAll(): Promise<void> {
    this.#isPublishing = true;
    while (this.#asked.length > 0) {
      const together = this.#asked;
      this.#asked = [];
      try {
        await this.#publish(together);
      } catch (error) {
        for (const { reject } of together) reject(error);
      }
    }
    this.#isPublishing = false;
  }

  async #publish(asked: readonly Asked<D>[]): Promise<void> {
    const { store, journal, emit, agents } = this.#context;
    await this.#assertHeld();
    const known = await this.#known();
    let changed = newest(known);
    const changes: Asked<D>[] = [];
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
    const text = (version: number) => this.#of.text({ ...made, version });
    const version = versionFor(
      text,
      known.map((document) => ({ version: document.version, text: this.#of.text(document) })),
      this.#of.meant(journal.status),
    );
    const hash = sha256(text(version));
    await Promise.all(
      changes.map(({ step }) => journal.append(this.#of.intent(step, version, hash))),
    );
    await this.#of.keep(store, version, text(version));
    const document = { ...made, version };
    const needed = new Set(changes.flatMap((one) => one.needed));
    const problems = new Map<string, StepFailure>();
    const told = await Promise.allSettled(
      agents.nodes.map(async (node) => {
        const problem = await this.#tell(changes[0]!.step, node, document, needed.has(node));
        if (problem === null) this.#silent.delete(node);
        else this.#silent.add(node);
        if (problem !== null) problems.set(node, problem);
      }),
    );
    // Only once nothing is sent any more.
    for (const one of told) if (one.status === "rejected") throw one.reason;
    this.#last = problems.size === 0 ? document : null;
    const missing = [...problems.keys()].sort();
    const published = this.#of.published(version, missing);
    await journal.append(published.record);
    emit(published.event);
    for (const one of changes) {
      const worst = one.needed.flatMap((node) => problems.get(node) ?? [])[0];
      if (worst === undefined) one.resolve(missing);
      else one.reject(worst);
    }
  }

  /** What the store and the agents that answer have; the store's comes first. */
  async #known(): Promise<D[]> {
    const { store, agents } = this.#context;
    if (this.#last !== null) return [this.#last];
    const stored = await this.#of.stored(store);
    const answers = await unlessLeft(
      this.#context,
      Promise.allSettled(agents.nodes.map((node) => this.#of.ask(agents.of(node)))),
    );
    const told = answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
    return stored === null ? told : [stored, ...told];
  }

  /** The store does not know epochs: what another ops goes on from must not be a document of this one. */
  async #assertHeld(): Promise<void> {
    const { scope, epoch } = authorityFor(this.#context, this.#of.scope);
    const holders = await this.#context.store.holders();
    if (holders.some((holder) => holder.scope === scope && holder.epoch === epoch)) return;
    throw lockLost(scope);
  }

  /** Null once the agent has acknowledged the document. Throws `Interrupted` where it would be waited for and the run is to stop. */
  async #tell(
    step: string | null,
    node: string,
    document: D,
    isNeeded: boolean,
  ): Promise<StepFailure | null> {
    const { agents, clock, patience, stop } = this.#context;
    const asked = `take version ${document.version} of ${this.#of.what}`;
    const grace = this.#silent.has(node) ? 0 : patience.routesMs;
    const until = clock.now() + (isNeeded ? patience.reconnectMs : grace);
    const wait = new NodeWait(this.#context, step, node, until);
    try {
      for (let tries = 1; ; tries += 1) {
        try {
          const authority = authorityFor(this.#context, this.#of.scope);
          await unlessLeft(this.#context, this.#of.tell(agents.of(node), document, authority));
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

export type PublisherContext = Pick<
  RunContext,
  "agents" | "store" | "clock" | "patience" | "stop" | "epochs" | "lineage" | "emit" | "journal"
>;

/** The first of the newest ones. */
function newest<D extends { readonly version: number }>(documents: readonly D[]): D | null {
  return documents.reduce<D | null>(
    (best, one) => (best === null || one.version > best.version ? one : best),
    null,
  );
}

/**
 * The version of a document that is to be published: the highest one that anybody has or that was meant to be published, as long
 * as it is this document; else the next one. An agent never takes another document of the version that it has, and a version that
 * was meant by a process that died may be on its way.
 */
function versionFor(
  text: (version: number) => string,
  known: readonly { readonly version: number; readonly text: string }[],
  meant: PublishedStatus | null,
): number {
  const version = Math.max(0, meant?.version ?? 0, ...known.map((one) => one.version));
  if (version === 0) return 1;
  const isOther =
    known.some((one) => one.version === version && one.text !== text(version)) ||
    (meant?.version === version && meant.hash !== sha256(text(version)));
  return isOther ? version + 1 : version;
}

/** A publication that a part of the agents has is no unknown outcome: publishing again is safe. */
function partial(told: Failure): Failure {
  return { ...told, outcome: "partial" };
}
