import type { Answer, Effect, NodeId, Phase, State, Transition } from "./types.js";

/** No change of state, with the given effects. */
export function stay(state: State, ...effects: readonly Effect[]): Transition {
  return { state, effects };
}

/** Another phase, the same durable state. */
export function to(state: State, phase: Phase, ...effects: readonly Effect[]): Transition {
  return { state: { ...state, phase }, effects };
}

export function answer(node: NodeId, message: Answer): Effect {
  return { kind: "send", to: node, message };
}
