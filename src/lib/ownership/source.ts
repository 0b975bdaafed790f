import { reached } from "./position.js";
import { answer, stay, to } from "./transition.js";
import type { Durable, Event, NodeId, Refusal, Request, State, Transition } from "./types.js";

/** Enough for every retry that can still be on its way; forgetting one costs a pause of its budget, never safety. */
const ENDED_KEPT = 16;

type Ask<K extends Request["kind"]> = Extract<Request, { kind: K }>;

/**
 * Blocks new writes and lets the admitted ones flush. The same attempt again gets the same answer; an ended one is refused,
 * or a delayed copy of its request would block writes once more for nothing.
 */
export function fence(
  state: State,
  from: NodeId,
  message: Ask<"fence">,
  token: string,
): Transition {
  const { durable, phase } = state;
  const refuse = (reason: Refusal) =>
    stay(
      state,
      answer(from, { kind: "refused", answers: "fence", attempt: message.attempt, reason }),
    );

  if (durable.role !== "primary") return refuse("not-primary");
  if (phase.kind === "fenced" && phase.attempt === message.attempt && phase.to === from) {
    if (phase.final === null) return stay(state);
    return stay(state, fencedAnswer(phase.to, phase.attempt, phase.token, phase.final));
  }
  if (phase.kind !== "idle") return refuse("busy");
  if (state.ended.includes(message.attempt)) return refuse("attempt-ended");
  if (message.next <= durable.generation) return refuse("wrong-generation");
  const { attempt, next } = message;
  return to(
    state,
    { kind: "fenced", attempt, token, to: from, next, final: null },
    { kind: "arm", timer: "deadline", id: token, ms: message.budgetMs },
    { kind: "drain", token },
  );
}

/** Every admitted write has flushed: the fence can be answered. */
export function drained(state: State, event: Extract<Event, { type: "drained" }>): Transition {
  const { phase } = state;
  if (phase.kind !== "fenced" || phase.token !== event.token || phase.final !== null)
    return stay(state);
  return to(
    state,
    { ...phase, final: event.position },
    fencedAnswer(phase.to, phase.attempt, phase.token, event.position),
  );
}

/** The pause has lasted its budget: the token dies and writes go on. */
export function deadline(state: State, event: Extract<Event, { type: "deadline" }>): Transition {
  const { phase } = state;
  if (phase.kind !== "fenced" || phase.token !== event.token) return stay(state);
  return unfence(state, phase);
}

/** The one decision that safety rests on: hand over under this very fence, or not at all. The timer is disarmed before the commit. */
export function handover(state: State, from: NodeId, message: Ask<"handover">): Transition {
  const { durable, phase } = state;
  const refuse = (reason: Refusal) =>
    stay(
      state,
      answer(from, { kind: "refused", answers: "handover", attempt: message.attempt, reason }),
    );

  if (phase.kind === "fenced") {
    if (phase.attempt !== message.attempt || phase.token !== message.token)
      return refuse("fence-ended");
    if (phase.to !== from || phase.final === null) return refuse("fence-ended");
    if (!reached(message.position, phase.final)) return refuse("behind");
    const { attempt, token, next, final } = phase;
    const handed = { to: from, generation: next, attempt, token, position: final };
    const pending: Durable = { role: "follower", source: from, generation: next, handed };
    return to(
      state,
      { kind: "handing", attempt, to: from, owed: ["handover"], pending },
      { kind: "disarm", id: token },
      { kind: "persist", durable: pending },
    );
  }
  if (phase.kind === "handing" && phase.attempt === message.attempt) {
    return phase.pending.handed?.token === message.token
      ? owe(state, phase, "handover")
      : refuse("fence-ended");
  }
  const { handed } = durable;
  if (handed !== null && handed.attempt === message.attempt && handed.token === message.token) {
    return stay(state, handedAnswer(from, "handover", handed));
  }
  return refuse("fence-ended");
}

/** YES from the durable record, whatever the state now; or first makes sure that it can never become YES, then NO. */
export function resolve(state: State, from: NodeId, message: Ask<"resolve">): Transition {
  const { durable, phase } = state;
  const { attempt } = message;
  const no = answer(from, { kind: "released", answers: "resolve", attempt });

  if (durable.handed?.attempt === attempt) {
    return stay(state, handedAnswer(from, "resolve", durable.handed));
  }
  if (phase.kind === "handing" && phase.attempt === attempt) return owe(state, phase, "resolve");
  if (phase.kind === "fenced" && phase.attempt === attempt) {
    const { state: after, effects } = unfence(state, phase);
    return { state: after, effects: [{ kind: "disarm", id: phase.token }, ...effects, no] };
  }
  if (durable.role !== "primary") return stay(state, no);
  return stay({ ...state, ended: remember(state.ended, attempt) }, no);
}

type Fenced = Extract<State["phase"], { kind: "fenced" }>;
type Handing = Extract<State["phase"], { kind: "handing" }>;

/** The handing has flushed: answer whoever waits for it. */
export function handingPersisted(state: State, phase: Handing): Transition {
  const { pending } = phase;
  return {
    state: { durable: pending, phase: { kind: "idle" }, ended: [] },
    effects: phase.owed.map((kind) => handedAnswer(phase.to, kind, pending.handed!)),
  };
}

function unfence(state: State, phase: Fenced): Transition {
  const { attempt } = phase;
  const ended = remember(state.ended, attempt);
  const after: State = { ...state, phase: { kind: "idle" }, ended };
  if (phase.final !== null) return stay(after);
  return stay(
    after,
    answer(phase.to, { kind: "refused", answers: "fence", attempt, reason: "fence-ended" }),
  );
}

function owe(state: State, phase: Handing, kind: "handover" | "resolve"): Transition {
  if (phase.owed.includes(kind)) return stay(state);
  return to(state, { ...phase, owed: [...phase.owed, kind] });
}

function remember(ended: readonly string[], attempt: string): readonly string[] {
  return ended.includes(attempt) ? ended : [...ended, attempt].slice(-ENDED_KEPT);
}

function fencedAnswer(node: NodeId, attempt: string, token: string, final: Fenced["final"] & {}) {
  return answer(node, { kind: "fenced", answers: "fence", attempt, token, final });
}

function handedAnswer(
  node: NodeId,
  answers: "handover" | "resolve",
  handed: NonNullable<Durable["handed"]>,
) {
  return answer(node, {
    kind: "handed",
    answers,
    attempt: handed.attempt,
    position: handed.position,
  });
}
