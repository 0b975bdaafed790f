import { randomBytes } from "node:crypto";
import type { Engine } from "../../engines/contract.js";
import { next } from "../../ownership/machine.js";
import { acceptsWrites, answerOfAbsent } from "../../ownership/permissions.js";
import { ORIGIN } from "../../ownership/position.js";
import type {
  Answer,
  Durable,
  Effect,
  Event,
  Refusal,
  Request,
  Transition,
} from "../../ownership/types.js";
import type { Peers } from "../client/peer.js";
import type { NodeRef } from "../protocol/json.js";
import type { OwnershipRequest } from "../protocol/peer.js";
import { ProblemError } from "../protocol/problem.js";
import type { Holding, Holdings } from "./holdings.js";
import { linkFor } from "./role-link.js";
import { Retries } from "./retries.js";

type Outcome = Extract<Effect, { kind: "outcome" }>;

/** Beyond the budget of a fence, for the answer to come back. */
const ANSWER_MS = 2_000;

export interface OwnershipDeps {
  readonly self: () => NodeRef;
  readonly engine: Engine;
  readonly holdings: Holdings;
  readonly peers: Peers;
  /** Where a node is, when no request has told. */
  readonly urlOf: (node: string) => string | null;
  /** A takeover asked of this node has ended. */
  readonly onOutcome: (outcome: Outcome["outcome"]) => void;
  /** A takeover of the holding is under way: whoever follows it must not be kept waiting. */
  readonly onBusy: (holding: Holding) => void;
  /** A commit failed, or something that must not happen did: the process ends. */
  readonly die: (error: unknown) => void;
}

/** Executes the effects of the ownership machine and feeds its events back. One machine a holding. */
export class Ownership {
  readonly #deps: OwnershipDeps;
  readonly #timers = new Map<string, NodeJS.Timeout>();
  readonly #retries = new Retries();
  /** HTTP requests of peers that wait for the machine's answer, by attempt and kind. */
  readonly #owed = new Map<string, ((answer: Answer) => void)[]>();
  readonly #outcomes = new Map<string, ((outcome: Outcome) => void)[]>();
  readonly #repointed = new Map<Holding, () => void>();
  readonly #peerUrls = new Map<string, string>();
  /** Holdings whose machine must hear of every flushed cursor. */
  readonly #watching = new Set<Holding>();
  /** When the fence of an attempt was asked for, monotonic ms: the writes pause from then at the earliest. */
  readonly #fencedAt = new Map<string, number>();
  #closed = false;

  constructor(deps: OwnershipDeps) {
    this.#deps = deps;
  }

  /** After a start: claims left open are resolved, successors that may have forgotten are offered their entry. */
  recover(): void {
    for (const holding of this.#deps.holdings.all()) this.dispatch(holding, { type: "retry" });
  }

  dispatch(holding: Holding, event: Event): void {
    if (this.#closed) return;
    this.#take(holding, next(this.#deps.self().node, holding.state, event));
  }

  /** The cursor of the holding, as flushed, for a machine that waits for it. */
  applied(holding: Holding): void {
    if (!this.#watching.has(holding)) return;
    const position = this.#deps.engine.cursor(holding.keyspace, holding.lo) ?? ORIGIN;
    this.dispatch(holding, { type: "applied", position });
  }

  /** What the source durably says it handed to this node. */
  offered(holding: Holding, from: string, handed: NonNullable<Durable["handed"]>): void {
    if (!this.#deps.holdings.isCurrent(holding)) return;
    this.dispatch(holding, {
      type: "message",
      from,
      message: { kind: "offer", handed },
      token: randomToken(),
    });
  }

  /**
   * Resolves with how the attempt ended, and for how long at most writes were paused. Only on a holding that is exactly the slice.
   * Throws `busy`.
   */
  async takeover(
    holding: Holding,
    ask: { attempt: string; next: bigint; budgetMs: number; giveUpMs: number },
  ): Promise<Outcome & { pauseMs: number }> {
    this.#requireCurrent(holding);
    const ended = this.outcomeOf(ask.attempt);
    this.dispatch(holding, { type: "takeover", ...ask });
    const outcome = await ended;
    const from = this.#fencedAt.get(ask.attempt);
    this.#fencedAt.delete(ask.attempt);
    return { ...outcome, pauseMs: from === undefined ? 0 : performance.now() - from };
  }

  /** The holding follows another copy; resolves once that is stored. It must be an idle follower. Throws `busy`. */
  async repoint(holding: Holding, source: NodeRef): Promise<void> {
    this.#requireCurrent(holding);
    const link = holding.entry.link;
    if (link !== null && link.source.node === source.node) {
      // The same node at another address: nothing changes for the protocol.
      const { engine, holdings } = this.#deps;
      await engine.write((txn) => {
        const entry = txn.entry(holding.keyspace, holding.entry);
        const known = entry?.link ?? null;
        if (entry === null || known === null) throw new Error("the link was removed");
        txn.putEntry({ ...entry, link: { ...known, source } });
      });
      holdings.refresh();
      return;
    }
    this.#peerUrls.set(source.node, source.url);
    await new Promise<void>((resolve) => {
      this.#repointed.set(holding, resolve);
      this.dispatch(holding, { type: "repoint", source: source.node });
    });
  }

  /** Waits for the end of a claim, also one that an earlier process began. */
  async outcomeOf(attempt: string): Promise<Outcome> {
    return new Promise((resolve) => {
      const waiting = this.#outcomes.get(attempt);
      if (waiting === undefined) this.#outcomes.set(attempt, [resolve]);
      else waiting.push(resolve);
    });
  }

  /** Answers a peer. Cuts the entry first when a fence is for a part of it. */
  async answer(ask: OwnershipRequest): Promise<Answer> {
    const { holdings } = this.#deps;
    const { keyspace, lo, hi, from, request } = ask;
    this.#peerUrls.set(from.node, from.url);
    const parts = holdings.overlapping(keyspace, lo, hi);
    const [first] = parts;
    if (first === undefined) return answerOfAbsent(request);
    const exact = parts.length === 1 && first.lo === lo && first.hi === hi;
    if (request.kind === "resolve") {
      // The record of a handover is in every part that the slice was cut into since. A fence stands on exactly its slice, so
      // where the entry is cut otherwise there is none; but each part must remember that the attempt has ended.
      const record = parts.find((one) => one.state.durable.handed?.attempt === request.attempt);
      const answers = await Promise.all(
        (record === undefined ? parts : [record]).map((one) =>
          this.#answerOn(one, from.node, request),
        ),
      );
      return answers[0]!;
    }
    const refuse = (reason: Refusal): Answer => ({
      kind: "refused",
      answers: request.kind,
      attempt: request.attempt,
      reason,
    });
    if (request.kind === "handover") {
      return exact ? this.#answerOn(first, from.node, request) : refuse("fence-ended");
    }
    const whole = parts.length === 1 && first.lo <= lo && first.hi >= hi;
    if (!whole) return refuse("busy");
    if ((exact && !first.ending) || !acceptsWrites(first.state)) {
      return this.#answerOn(first, from.node, request);
    }
    // Wrapped, so that the next cut does not wait for the answer.
    const { answer } = await holdings.cut(keyspace, lo, hi, ([part, ...others]) => ({
      answer:
        part === undefined || part.ending || others.length > 0
          ? Promise.resolve(refuse("busy"))
          : this.#answerOn(part, from.node, request),
    }));
    return answer;
  }

  close(): void {
    this.#closed = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#retries.close();
  }

  async #answerOn(holding: Holding, from: string, request: Request): Promise<Answer> {
    const key = owedKey(holding, request.attempt, request.kind);
    return new Promise<Answer>((resolve) => {
      const waiting = this.#owed.get(key);
      if (waiting === undefined) this.#owed.set(key, [resolve]);
      else waiting.push(resolve);
      this.dispatch(holding, { type: "message", from, message: request, token: randomToken() });
    });
  }

  #requireCurrent(holding: Holding): void {
    if (this.#deps.holdings.isCurrent(holding)) return;
    const { keyspace, lo, hi } = holding;
    throw new ProblemError(409, "busy", `${keyspace} [${lo}, ${hi}) is being cut or dropped`, {
      retryable: true,
    });
  }

  #take(holding: Holding, transition: Transition): void {
    holding.state = transition.state;
    const waits = ["catching-up", "promoting"].includes(transition.state.phase.kind);
    if (!waits) this.#watching.delete(holding);
    if (transition.state.phase.kind !== "idle") this.#deps.onBusy(holding);
    for (const effect of transition.effects) this.#execute(holding, effect);
    if (transition.state.phase.kind === "repointing") return;
    this.#repointed.get(holding)?.();
    this.#repointed.delete(holding);
  }

  #execute(holding: Holding, effect: Effect): void {
    switch (effect.kind) {
      case "persist":
        this.#persist(holding, effect.durable);
        return;
      case "send":
        this.#send(holding, effect);
        return;
      case "drain":
        // What waits in the queue has not been admitted: it will meet the fence.
        void this.#deps.engine.settled().then(() => {
          const position = this.#deps.engine.cursor(holding.keyspace, holding.lo) ?? ORIGIN;
          this.dispatch(holding, { type: "drained", token: effect.token, position });
        }, this.#deps.die);
        return;
      case "arm": {
        const { timer, id } = effect;
        const fire = () => {
          this.#timers.delete(id);
          this.dispatch(
            holding,
            timer === "deadline" ? { type: timer, token: id } : { type: timer, attempt: id },
          );
        };
        this.#timers.set(id, setTimeout(fire, effect.ms));
        return;
      }
      case "disarm":
        clearTimeout(this.#timers.get(effect.id));
        this.#timers.delete(effect.id);
        return;
      case "catch-up":
        this.#watching.add(holding);
        queueMicrotask(() => this.applied(holding));
        return;
      case "outcome":
        this.#deps.onOutcome(effect.outcome);
        for (const resolve of this.#outcomes.get(effect.attempt) ?? []) resolve(effect);
        this.#outcomes.delete(effect.attempt);
        for (const kind of ["fence", "handover", "resolve"] as const)
          this.#retries.forget(retryName(effect.attempt, kind));
        return;
    }
  }

  readonly #urlOf = (node: string) => this.#peerUrls.get(node) ?? this.#deps.urlOf(node);

  #persist(holding: Holding, durable: Durable): void {
    const { engine, holdings, die } = this.#deps;
    engine
      .write((txn) => {
        const entry = txn.entry(holding.keyspace, holding.entry);
        if (entry === null)
          throw new Error(`the entry ${holding.keyspace} [${holding.lo}, ${holding.hi}) is gone`);
        txn.putEntry({ ...entry, ownership: durable, link: linkFor(entry, durable, this.#urlOf) });
      })
      .then(() => {
        holdings.refresh();
        this.dispatch(holding, { type: "persisted" });
      })
      .catch(die);
  }

  #send(holding: Holding, { to, message }: Extract<Effect, { kind: "send" }>): void {
    switch (message.kind) {
      case "fence":
      case "handover":
      case "resolve":
        void this.#ask(holding, to, message);
        return;
      case "offer":
        // The successor hears it when it opens its change stream: see changes.ts.
        return;
      default: {
        const key = owedKey(holding, message.attempt, message.answers);
        const waiting = this.#owed.get(key) ?? [];
        this.#owed.delete(key);
        for (const resolve of waiting) resolve(message);
      }
    }
  }

  async #ask(holding: Holding, to: string, request: Request): Promise<void> {
    const { peers, self } = this.#deps;
    const link = holding.entry.link;
    const url = link !== null && link.source.node === to ? link.source.url : this.#deps.urlOf(to);
    const { keyspace, lo, hi } = holding;
    try {
      if (url === null) throw new Error(`no address is known of ${to}`);
      if (request.kind === "fence" && !this.#fencedAt.has(request.attempt)) {
        this.#fencedAt.set(request.attempt, performance.now());
      }
      const wait = request.kind === "fence" ? request.budgetMs + ANSWER_MS : ANSWER_MS;
      const answer = await peers.ownership(url, { keyspace, lo, hi, from: self(), request }, wait);
      this.#retries.forget(retryName(request.attempt, request.kind));
      this.dispatch(holding, { type: "message", from: to, message: answer, token: randomToken() });
    } catch (error) {
      holding.link.error = `${request.kind} at ${to}: ${error instanceof Error ? error.message : String(error)}`;
      const name = retryName(request.attempt, request.kind);
      this.#retries.later(name, () => this.dispatch(holding, { type: "retry" }));
    }
  }
}

function owedKey({ keyspace, lo, hi }: Holding, attempt: string, kind: string): string {
  return `${keyspace} ${lo} ${hi} ${attempt} ${kind}`;
}

/** By kind: a late answer to one request says nothing about the other that the attempt waits for by then. */
function retryName(attempt: string, kind: Request["kind"]): string {
  return `${attempt} ${kind}`;
}

/** 128 random bits. */
export function randomToken(): string {
  return randomBytes(16).toString("hex");
}
