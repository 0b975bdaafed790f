import type { Answer, Durable, NodeId, Reign, Request, State } from "./types.js";

/**
 * The generation of a reign at a node that has deleted what it held up to the generation `deleted`. Above that: a write that was
 * routed to the node then may still be on its way, and so may an offer.
 */
export function reignAbove(deleted: bigint, least: bigint): bigint {
  return deleted >= least ? deleted + 1n : least;
}

/** The entry of a new segment on its first primary. */
export function reigning(generation: bigint): Durable {
  return { role: "primary", generation, handed: null };
}

/** The entry of a new copy. Generation 0: it remembers no reign, so it believes no `offer`. */
export function following(source: NodeId): Durable {
  return { role: "follower", source, generation: 0n, handed: null };
}

/** Only a durable primary that is neither fenced nor handing over. Asked again inside the write transaction. */
export function acceptsWrites({ durable, phase }: State): boolean {
  return durable.role === "primary" && phase.kind === "idle";
}

/** Whether the link goes on applying. A node about to reign has everything already. */
export function acceptsFrames({ durable, phase }: State): boolean {
  return durable.role !== "primary" && phase.kind !== "crowning";
}

/**
 * Whether the node may delete its copy, given the word of the primary it asked just now (null: nobody reigns, or no answer).
 * A holder of `handed` must keep it until its successor reigns, who may still have to ask for it; a follower whose reign
 * nobody has succeeded may be the only copy. A reign at the own generation or later shows both.
 */
export function mayDrop({ durable, phase }: State, reign: Reign | null): boolean {
  if (durable.role !== "follower" || phase.kind !== "idle") return false;
  return reign !== null && reign.generation >= durable.generation;
}

/**
 * Whether the node may delete what it holds of a segment that nobody is to hold any more, whoever it is for it. Not while a
 * takeover is under way, and not what has moved on since it was looked at, in `generation`.
 */
export function mayDiscard({ durable, phase }: State, generation: bigint): boolean {
  if (durable.role === "claiming" || phase.kind !== "idle") return false;
  return durable.generation <= generation;
}

export function mayRepoint({ durable, phase }: State): boolean {
  return durable.role === "follower" && phase.kind === "idle";
}

/** Both parts inherit the durable state, also `handed`, and the cursor. Never during a takeover: its P speaks of the whole. */
export function maySplit({ durable, phase }: State): boolean {
  return durable.role !== "claiming" && phase.kind === "idle";
}

/**
 * The answer of a node without this entry. NO is true: a copy is only dropped after whoever was handed it has begun to reign,
 * and a node that never had it handed nothing over.
 */
export function answerOfAbsent(request: Request): Answer {
  const { kind, attempt } = request;
  if (kind === "resolve") return { kind: "released", answers: kind, attempt };
  return { kind: "refused", answers: kind, attempt, reason: "not-primary" };
}
