import { reached } from "./position.js";
import { stay, to } from "./transition.js";
import type {
  Answer,
  Durable,
  Effect,
  Event,
  Handed,
  NodeId,
  Offer,
  Phase,
  Request,
  State,
  Transition,
  Why,
} from "./types.js";

type Ev<T extends Event["type"]> = Extract<Event, { type: T }>;
type Reply<K extends Answer["kind"]> = Extract<Answer, { kind: K }>;
type Claiming = Extract<Durable, { role: "claiming" }>;

/** Makes the claim durable first: a target that forgot that it asked could be handed an entry it does not know of. */
export function takeover(state: State, event: Ev<"takeover">): Transition {
  const { durable, phase } = state;
  const { attempt, next, budgetMs, giveUpMs } = event;
  const refuse = (why: Why) => stay(state, { kind: "outcome", attempt, outcome: "refused", why });

  if (durable.role === "claiming" && durable.attempt === attempt) return stay(state);
  if (phase.kind === "recording" && phase.attempt === attempt) return stay(state);
  if (durable.role === "primary") return refuse("not-follower");
  if (durable.role === "claiming" || phase.kind !== "idle") return refuse("busy");
  if (next <= durable.generation) return refuse("wrong-generation");
  const { source, generation, handed } = durable;
  const pending: Durable = { role: "claiming", source, attempt, next, generation, handed };
  return to(
    state,
    { kind: "recording", attempt, budgetMs, giveUpMs, abandoned: false, pending },
    { kind: "persist", durable: pending },
  );
}

/** Timeout, or the operator's cancel: both only lead to asking the source what became of the attempt. */
export function giveUp(state: State, event: Ev<"timeout"> | Ev<"cancel">): Transition {
  const { durable, phase } = state;
  if (phase.kind === "recording" && phase.attempt === event.attempt) {
    return to(state, { ...phase, abandoned: true });
  }
  if (durable.role !== "claiming" || durable.attempt !== event.attempt || !isHopeful(phase)) {
    return stay(state);
  }
  return resolving(state, durable, event.type === "timeout" ? "timed-out" : "cancelled");
}

/** The source is fenced: catch up to its final position. */
export function fenced(state: State, from: NodeId, message: Reply<"fenced">): Transition {
  const { phase } = state;
  if (!claimOf(state, from, message.attempt) || phase.kind !== "asking") return stay(state);
  const { token, final } = message;
  return to(state, { kind: "catching-up", token, final }, { kind: "catch-up", until: final });
}

/** The own cursor, flushed: hand over, or reign, once it is far enough. */
export function applied(state: State, event: Ev<"applied">): Transition {
  const { durable, phase } = state;
  const { position } = event;
  if (
    phase.kind === "catching-up" &&
    durable.role === "claiming" &&
    reached(position, phase.final)
  ) {
    const offering: Phase = { kind: "offering", token: phase.token, position };
    return to(state, offering, ...ask(durable, offering));
  }
  if (phase.kind === "promoting" && reached(position, phase.handed.position)) {
    const { attempt, generation } = phase.handed;
    const pending: Durable = { role: "primary", generation, handed: null };
    return to(state, { kind: "crowning", attempt, pending }, { kind: "persist", durable: pending });
  }
  return stay(state);
}

/** YES. From here on nothing but the own durable position stands before the reign. */
export function handed(state: State, from: NodeId, message: Reply<"handed">): Transition {
  const claim = claimOf(state, from, message.attempt);
  if (!claim || !(isHopeful(state.phase) || state.phase.kind === "resolving")) return stay(state);
  const { attempt, position } = message;
  return promote(state, { attempt, generation: claim.next, position });
}

/** NO, the only way back to being a follower; believed only as the answer to `resolve`. */
export function released(state: State, from: NodeId, message: Reply<"released">): Transition {
  const claim = claimOf(state, from, message.attempt);
  if (!claim || state.phase.kind !== "resolving") return stay(state);
  const { source, generation, handed: record, attempt } = claim;
  const pending: Durable = { role: "follower", source, generation, handed: record };
  return to(
    state,
    { kind: "releasing", attempt, why: state.phase.why, pending },
    { kind: "persist", durable: pending },
  );
}

/** A refusal may answer a late copy of a request whose first copy was granted: resolve. */
export function refused(state: State, from: NodeId, message: Reply<"refused">): Transition {
  const claim = claimOf(state, from, message.attempt);
  const asked = message.answers === "fence" ? "asking" : "offering";
  if (!claim || state.phase.kind !== asked) return stay(state);
  return resolving(state, claim, message.reason);
}

/**
 * Self-healing: the source durably says that this node is its successor. A claim takes that as YES. A follower that forgot its
 * claim believes it only for the reign right after the one it remembers having handed over to: the record outlives the reign
 * that it speaks of, and a copy made anew (generation 0) cannot tell whether that was its own, and is over.
 */
export function offer(state: State, self: NodeId, from: NodeId, message: Offer): Transition {
  const { durable, phase } = state;
  const record: Handed = message.handed;
  if (record.to !== self || durable.role === "primary" || durable.source !== from)
    return stay(state);
  if (durable.role === "claiming") {
    const { attempt, position } = record;
    return handed(state, from, { kind: "handed", answers: "resolve", attempt, position });
  }
  if (phase.kind !== "idle" || record.generation !== durable.generation + 1n) return stay(state);
  return promote(state, record);
}

/** Follow another copy. The positions of the entries are the same on every copy, so nothing is copied again. */
export function repoint(state: State, event: Ev<"repoint">, self: NodeId): Transition {
  const { durable, phase } = state;
  if (durable.role !== "follower" || phase.kind !== "idle") return stay(state);
  if (event.source === self || event.source === durable.source) return stay(state);
  const pending: Durable = { ...durable, source: event.source };
  return to(state, { kind: "repointing", pending }, { kind: "persist", durable: pending });
}

type Recording = Extract<Phase, { kind: "recording" }>;

/** The claim has flushed: ask for the fence. */
export function recordingPersisted(state: State, phase: Recording): Transition {
  const durable = phase.pending as Claiming;
  if (phase.abandoned) return resolving({ ...state, durable }, durable, "cancelled");
  const asking: Phase = { kind: "asking", budgetMs: phase.budgetMs };
  return {
    state: { ...state, durable, phase: asking },
    effects: [
      { kind: "arm", timer: "timeout", id: durable.attempt, ms: phase.giveUpMs },
      ...ask(durable, asking),
    ],
  };
}

/** The request that this phase of a claim waits on. */
export function ask(claim: Claiming, phase: Phase): readonly Effect[] {
  const { attempt, next } = claim;
  const send = (message: Request): readonly Effect[] => [
    { kind: "send", to: claim.source, message },
  ];
  switch (phase.kind) {
    case "asking":
      return send({ kind: "fence", attempt, next, budgetMs: phase.budgetMs });
    case "offering":
      return send({ kind: "handover", attempt, token: phase.token, position: phase.position });
    case "resolving":
      return send({ kind: "resolve", attempt });
    default:
      return [];
  }
}

function resolving(state: State, claim: Claiming, why: Why): Transition {
  const phase: Phase = { kind: "resolving", why };
  return to(state, phase, { kind: "disarm", id: claim.attempt }, ...ask(claim, phase));
}

function promote(
  state: State,
  record: Pick<Handed, "attempt" | "generation" | "position">,
): Transition {
  const { attempt, generation, position } = record;
  return to(
    state,
    { kind: "promoting", handed: { attempt, generation, position } },
    { kind: "disarm", id: attempt },
    { kind: "catch-up", until: position },
  );
}

/** The durable claim, if an answer from this node to this attempt is its business. */
function claimOf(state: State, from: NodeId, attempt: string): Claiming | null {
  const { durable } = state;
  if (durable.role !== "claiming" || durable.source !== from || durable.attempt !== attempt)
    return null;
  return durable;
}

function isHopeful(phase: Phase): boolean {
  return phase.kind === "asking" || phase.kind === "catching-up" || phase.kind === "offering";
}
