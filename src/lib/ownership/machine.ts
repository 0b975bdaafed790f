/**
 * The takeover of one segment entry, on one node, as a pure state machine. The caller executes the effects in order and feeds
 * the events back.
 *
 * Safety rests on one durable decision of the source: under a standing fence it either unfences or hands over, never both.
 * Clocks only bound the pause. A target that has asked for a fence leaves its claim only by the source's own word, YES or NO,
 * and the source makes NO true before it says so.
 */
import { ask, recordingPersisted } from "./target.js";
import * as source from "./source.js";
import * as target from "./target.js";
import { stay } from "./transition.js";
import type { Durable, Event, NodeId, State, Transition } from "./types.js";

/** One function for each row of the protocol's table. */
export const rules = Object.freeze({
  fence: source.fence,
  drained: source.drained,
  deadline: source.deadline,
  handover: source.handover,
  resolve: source.resolve,
  takeover: target.takeover,
  giveUp: target.giveUp,
  fenced: target.fenced,
  applied: target.applied,
  handed: target.handed,
  released: target.released,
  refused: target.refused,
  offer: target.offer,
  repoint: target.repoint,
  persisted,
  retry,
  restart: restartWith,
});

export type Rules = { readonly [K in keyof typeof rules]: (typeof rules)[K] };

export interface Machine {
  /** The state after an event, and what must be done about it, in order. An event that does not apply changes nothing. */
  readonly next: (self: NodeId, state: State, event: Event) => Transition;
  /** What a process starts with. A claim is resolved; a source that has handed over offers, in case its successor forgot. */
  readonly restart: (durable: Durable) => Transition;
}

export function machine(rule: Rules): Machine {
  return {
    restart: (durable) => rule.restart(durable),
    next: (self, state, event) => {
      switch (event.type) {
        case "takeover":
          return rule.takeover(state, event);
        case "timeout":
        case "cancel":
          return rule.giveUp(state, event);
        case "retry":
          return rule.retry(state);
        case "persisted":
          return rule.persisted(state);
        case "drained":
          return rule.drained(state, event);
        case "deadline":
          return rule.deadline(state, event);
        case "applied":
          return rule.applied(state, event);
        case "repoint":
          return rule.repoint(state, event, self);
        case "message":
          return receive(rule, self, state, event);
      }
    },
  };
}

export const { next, restart } = machine(rules);

function receive(
  rule: Rules,
  self: NodeId,
  state: State,
  { from, message, token }: Extract<Event, { type: "message" }>,
): Transition {
  switch (message.kind) {
    case "fence":
      return rule.fence(state, from, message, token);
    case "handover":
      return rule.handover(state, from, message);
    case "resolve":
      return rule.resolve(state, from, message);
    case "fenced":
      return rule.fenced(state, from, message);
    case "handed":
      return rule.handed(state, from, message);
    case "released":
      return rule.released(state, from, message);
    case "refused":
      return rule.refused(state, from, message);
    case "offer":
      return rule.offer(state, self, from, message);
  }
}

function persisted(state: State): Transition {
  const { phase } = state;
  switch (phase.kind) {
    case "recording":
      return recordingPersisted(state, phase);
    case "handing":
      return source.handingPersisted(state, phase);
    case "repointing":
      return stay({ ...state, durable: phase.pending, phase: { kind: "idle" } });
    case "releasing": {
      const { attempt, why, pending } = phase;
      return stay(
        { ...state, durable: pending, phase: { kind: "idle" } },
        { kind: "outcome", attempt, outcome: "released", why },
      );
    }
    case "crowning":
      return stay(
        { durable: phase.pending, phase: { kind: "idle" }, ended: [] },
        { kind: "outcome", attempt: phase.attempt, outcome: "taken", why: null },
      );
    default:
      return stay(state);
  }
}

function retry(state: State): Transition {
  const { durable, phase } = state;
  if (durable.role === "claiming") return stay(state, ...ask(durable, phase));
  if (durable.role === "primary" || phase.kind !== "idle" || durable.handed === null)
    return stay(state);
  const { handed } = durable;
  return stay(state, { kind: "send", to: handed.to, message: { kind: "offer", handed } });
}

function restartWith(durable: Durable): Transition {
  const phase: State["phase"] =
    durable.role === "claiming" ? { kind: "resolving", why: "restarted" } : { kind: "idle" };
  return retry({ durable, phase, ended: [] });
}
