import { setTimeout as sleep } from "node:timers/promises";
import { checkPolicy } from "../../policy/check.js";
import { SCHEDULE } from "../../policy/document.js";
import { AgentClient } from "../client/client.js";
import { AgentProblem } from "../client/problem.js";
import { ProblemError } from "../protocol/problem.js";
import { LOOPBACK } from "./config.js";
import type { Policy } from "./policy.js";
import type { Base } from "./roles/role.js";

/** An agent that has just begun waits for its peers no longer than this. */
const CATCH_UP_MS = 1_000;
/** Between two rounds, and as much as half of it more or less: agents that began at once do not ask at once. */
const EVERY_MS = 2_000;
/** Asked in one round, others in the next. */
const ASKED_AT_ONCE = 8;
const TIMEOUT_MS = 1_000;

type Parts = Pick<Base, "self" | "authority" | "logger" | "die"> & { readonly policy: Policy };

/**
 * Finds by itself a policy document that was published while this agent was away, or could not be reached: the others have it. Nobody
 * vouches for it but the epoch by which it was stored there: of another control plane, or of a run that is over here, none is taken.
 */
export class PolicyPeers {
  readonly #parts: Parts;
  readonly #over = new AbortController();
  readonly #clients = new Map<string, AgentClient>();
  #catchingUp: Promise<void> = Promise.resolve();
  #looking: Promise<void> = Promise.resolve();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** One round; what does not answer in time is asked again later. */
  async catchUp(): Promise<void> {
    this.#catchingUp = this.#round().catch(this.#parts.die);
    await Promise.race([this.#catchingUp, sleep(CATCH_UP_MS, undefined, { ref: false })]);
  }

  begin(): void {
    this.#looking = this.#look().catch((error: unknown) => {
      if (!this.#over.signal.aborted) this.#parts.die(error);
    });
  }

  release(): void {
    this.#over.abort();
  }

  async close(): Promise<void> {
    this.#over.abort();
    await Promise.all([...this.#clients.values()].map((client) => client.close()));
    // What they are just storing is stored before the engine closes.
    await Promise.all([this.#catchingUp, this.#looking]);
  }

  async #look(): Promise<void> {
    const { signal } = this.#over;
    for (;;) {
      await sleep(EVERY_MS * (0.5 + Math.random()), undefined, { signal, ref: false });
      await this.#round();
    }
  }

  /** Of the document that is stored here, but this agent itself. */
  #peers(): string[] {
    const { policy, self } = this.#parts;
    return Object.entries(policy.document?.agents ?? {})
      .filter(([node, url]) => node !== self().node && isLoopback(url))
      .map(([, url]) => url);
  }

  async #round(): Promise<void> {
    const peers = this.#peers();
    const gone = [...this.#clients].filter(([url]) => !peers.includes(url));
    for (const [url] of gone) this.#clients.delete(url);
    const some = peers
      .map((url) => ({ url, order: Math.random() }))
      .toSorted((a, b) => a.order - b.order)
      .slice(0, ASKED_AT_ONCE);
    await Promise.all([
      ...gone.map(([, client]) => client.close()),
      ...some.map(({ url }) => this.#ask(url)),
    ]);
  }

  async #ask(url: string): Promise<void> {
    const { policy, authority, logger } = this.#parts;
    let client = this.#clients.get(url);
    if (client === undefined)
      this.#clients.set(url, (client = new AgentClient(url, { timeoutMs: TIMEOUT_MS })));
    try {
      const { policy: document, by } = await client.policyAfter(policy.document?.version ?? 0);
      if (document === null || by === null || this.#over.signal.aborted) return;
      if (checkPolicy(document).length > 0) return;
      // It must not make a node obey: that takes a control plane.
      if (authority.lineage() !== by.lineage) return;
      const asked = { scope: SCHEDULE, epoch: by.epoch, lineage: by.lineage };
      await policy.put(document, by, (txn) => authority.check(txn, asked));
      logger.info({ url, version: document.version }, "a peer had a newer policy");
    } catch (error) {
      // Away, or what it has is of a run that is over.
      if (!(error instanceof AgentProblem || error instanceof ProblemError)) throw error;
    }
  }
}

function isLoopback(url: string): boolean {
  return LOOPBACK.test(new URL(url).hostname.replace(/^\[(.*)\]$/, "$1"));
}
