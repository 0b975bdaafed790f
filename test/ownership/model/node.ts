import { acceptsWrites, reigning } from "../../../src/lib/ownership/permissions.js";
import { ORIGIN, reached } from "../../../src/lib/ownership/position.js";
import type { Machine } from "../../../src/lib/ownership/machine.js";
import type {
  Durable,
  Event,
  LogPosition,
  Message,
  NodeId,
  State,
} from "../../../src/lib/ownership/types.js";

/** A write of the model: its number, who accepted it, and where in history. */
export interface Entry extends LogPosition {
  readonly write: number;
  readonly by: NodeId;
}

/** One entry on one node: the machine, and the little of the agent and of the engine that the protocol depends on. */
export interface Local {
  readonly id: NodeId;
  /** Null once dropped. */
  readonly state: State | null;
  /** What the engine has flushed about ownership, and what is on its way there. */
  readonly disk: Durable | null;
  readonly writing: Durable | null;
  readonly log: readonly Entry[];
  /** How much of the log has been flushed. */
  readonly flushed: number;
  /** A write that was let in and is not in the log yet. */
  readonly admitted: { readonly write: number; readonly generation: bigint } | null;
  readonly deadline: string | null;
  readonly timeout: string | null;
  readonly draining: string | null;
  readonly catchUp: LogPosition | null;
  /** How often the link was made anew; part of its id. */
  readonly links: number;
  /** Fences since boot; only counted for the mutant whose tokens are a counter. */
  readonly fences: number;
  /** The highest generation of what the node has deleted. */
  readonly deleted: bigint;
}

/** The agent's contract. Each clause is true in the product, and a mutant makes one false. */
export interface Contract {
  /** An entry is streamed only once flushed. */
  readonly streamsFlushed: boolean;
  /** A write is acknowledged only once flushed. */
  readonly acknowledgesFlushed: boolean;
  /** `drained` comes after every admitted write has flushed. */
  readonly drainsAdmitted: boolean;
  /** `applied` carries the flushed cursor. */
  readonly appliesFlushed: boolean;
  /** Tokens are random, not a counter that starts again with the process. */
  readonly freshTokens: boolean;
  /** A frame is applied only if `acceptsFrame` says so. */
  readonly checksFrames: boolean;
  /** A holder of `handed` offers. */
  readonly offers: boolean;
  /** `mayDrop` is asked. */
  readonly asksBeforeDrop: boolean;
  /** A node remembers at which generations it reigned over what it has deleted. */
  readonly remembersReigns: boolean;
}

export const CONTRACT: Contract = Object.freeze({
  streamsFlushed: true,
  acknowledgesFlushed: true,
  drainsAdmitted: true,
  appliesFlushed: true,
  freshTokens: true,
  checksFrames: true,
  offers: true,
  asksBeforeDrop: true,
  remembersReigns: true,
});

export interface Mail {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly message: Message;
}

/** What one step of one node did. */
export interface Outcome {
  readonly local: Local;
  readonly sent: readonly Mail[];
  /** Writes acknowledged, in order. */
  readonly acknowledged: readonly number[];
}

export function boot(id: NodeId, durable: Durable): Local {
  return {
    id,
    state: { durable, phase: { kind: "idle" }, ended: [] },
    disk: durable,
    writing: null,
    log: [],
    flushed: 0,
    admitted: null,
    deadline: null,
    timeout: null,
    draining: null,
    catchUp: null,
    links: 0,
    fences: 0,
    deleted: 0n,
  };
}

/** Nothing is held any more. A write that was let in may still be on its way. */
export function withoutEntry(contract: Contract, local: Local): Local {
  const { state, deleted, id, links, admitted } = local;
  const generation = state === null || !contract.remembersReigns ? 0n : state.durable.generation;
  return {
    ...boot(id, reigning(0n)),
    state: null,
    disk: null,
    links,
    admitted,
    deleted: generation > deleted ? generation : deleted,
  };
}

export function cursor(local: Local, upTo = local.log.length): LogPosition {
  const last = local.log[upTo - 1];
  return last ? { generation: last.generation, index: last.index } : ORIGIN;
}

export function isWriter(local: Local): boolean {
  return local.state !== null && acceptsWrites(local.state);
}

/** Feeds an event to the shipped machine and does what it asks. */
export function feed(machine: Machine, contract: Contract, before: Local, event: Event): Outcome {
  return perform(contract, before, machine.next(before.id, before.state!, event));
}

function perform(
  contract: Contract,
  before: Local,
  { state, effects }: ReturnType<Machine["next"]>,
): Outcome {
  let local: Local = { ...before, state: withoutReasons(state) };
  const sent: Mail[] = [];
  for (const effect of effects) {
    switch (effect.kind) {
      case "persist":
        if (local.writing !== null) throw new Error("Two persists under way.");
        local = { ...local, writing: effect.durable };
        break;
      case "send":
        if (effect.message.kind === "offer" && !contract.offers) break;
        sent.push({ from: local.id, to: effect.to, message: withoutReason(effect.message) });
        break;
      case "drain":
        local = {
          ...local,
          draining: effect.token,
          fences: contract.freshTokens ? 0 : local.fences + 1,
        };
        break;
      case "arm":
        local = { ...local, [effect.timer]: effect.id };
        break;
      case "disarm":
        if (local.deadline === effect.id) local = { ...local, deadline: null };
        if (local.timeout === effect.id) local = { ...local, timeout: null };
        break;
      case "catch-up":
        local = { ...local, catchUp: effect.until };
        break;
      case "outcome":
        break;
    }
  }
  const sourceOf = (durable: Durable) => (durable.role === "primary" ? null : durable.source);
  if (before.state !== null && sourceOf(before.state.durable) !== sourceOf(state.durable)) {
    local = { ...local, links: local.links + 1 };
  }
  return { local, sent, acknowledged: [] };
}

/** Everything in the log reaches the disk; what was accepted here is acknowledged. */
function flush(contract: Contract, local: Local): Outcome {
  const acknowledged = contract.acknowledgesFlushed
    ? local.log
        .slice(local.flushed)
        .filter((entry) => entry.by === local.id)
        .map((entry) => entry.write)
    : [];
  return { local: { ...local, flushed: local.log.length }, sent: [], acknowledged };
}

/** One environment, commits in order: the record that is under way reaches the disk after everything before it. */
function reachDisk(contract: Contract, before: Local): Outcome {
  const { local, acknowledged } = flush(contract, before);
  return { local: { ...local, disk: before.writing, writing: null }, sent: [], acknowledged };
}

/** The process dies, and starts again with what was flushed. */
function crash(machine: Machine, contract: Contract, before: Local): Outcome {
  const durable = before.disk!;
  const bare: Local = {
    ...boot(before.id, durable),
    log: before.log.slice(0, before.flushed),
    flushed: before.flushed,
    links: before.links + 1,
    deleted: before.deleted,
  };
  return perform(contract, bare, machine.restart(durable));
}

function append(contract: Contract, before: Local): Outcome {
  const { state, admitted } = before;
  const after: Local = { ...before, admitted: null };
  const { durable, phase } = state!;
  // The engine asks for ownership inside the write transaction.
  const owned =
    durable.role === "primary" &&
    durable.generation === admitted!.generation &&
    (phase.kind === "idle" || phase.kind === "fenced");
  if (!owned) return { local: after, sent: [], acknowledged: [] };
  const { write, generation } = admitted!;
  const index =
    before.log.reduce((max, e) => (e.by === before.id && e.index > max ? e.index : max), 0n) + 1n;
  const log = [...before.log, { generation, index, write, by: before.id }];
  return {
    local: { ...after, log },
    sent: [],
    acknowledged: contract.acknowledgesFlushed ? [] : [write],
  };
}

/** The steps a node can take by itself whatever goes on elsewhere. */
export function ownSteps(
  machine: Machine,
  contract: Contract,
  local: Local,
): {
  readonly label: string;
  readonly outcome: Outcome;
  readonly kind: "fair" | "crash" | "operator";
}[] {
  const steps: ReturnType<typeof ownSteps> = [];
  const { state, id } = local;
  if (state === null) return steps;
  const add = (label: string, outcome: Outcome, kind: "fair" | "crash" | "operator" = "fair") =>
    steps.push({ label: `${id}: ${label}`, outcome, kind });
  const after = (first: Outcome, event: Event): Outcome => {
    const second = feed(machine, contract, first.local, event);
    return {
      local: second.local,
      sent: [...first.sent, ...second.sent],
      acknowledged: [...first.acknowledged, ...second.acknowledged],
    };
  };

  if (local.admitted) add(`append write ${local.admitted.write}`, append(contract, local));
  if (local.flushed < local.log.length) add("flush", flush(contract, local));
  if (local.writing) {
    const stored = reachDisk(contract, local);
    add(`persisted ${local.writing.role}`, after(stored, { type: "persisted" }));
    add(
      `crash, ${local.writing.role} had reached the disk`,
      {
        ...crash(machine, contract, stored.local),
        acknowledged: [],
      },
      "crash",
    );
  }
  add("crash", crash(machine, contract, local), "crash");
  if (local.deadline) {
    const fired: Local = { ...local, deadline: null };
    add("deadline", feed(machine, contract, fired, { type: "deadline", token: local.deadline }));
  }
  if (local.timeout) {
    const fired: Local = { ...local, timeout: null };
    add("gives up", feed(machine, contract, fired, { type: "timeout", attempt: local.timeout }));
  }
  if (local.draining) {
    const quiet = local.admitted === null && local.flushed === local.log.length;
    if (quiet || !contract.drainsAdmitted) {
      const drained: Event = { type: "drained", token: local.draining, position: cursor(local) };
      add("drained", feed(machine, contract, { ...local, draining: null }, drained));
    }
  }
  if (local.catchUp) {
    const position = cursor(local, contract.appliesFlushed ? local.flushed : local.log.length);
    const there = reached(position, local.catchUp);
    const told: Local = there ? { ...local, catchUp: null } : local;
    add("applied", feed(machine, contract, told, { type: "applied", position }));
  }
  const attempt = attemptOf(state);
  if (attempt)
    add("cancelled", feed(machine, contract, local, { type: "cancel", attempt }), "operator");
  add("asks again", feed(machine, contract, local, { type: "retry" }));
  return steps;
}

function attemptOf({ durable, phase }: State): string | null {
  if (durable.role === "claiming") return durable.attempt;
  return phase.kind === "recording" ? phase.attempt : null;
}

/** Reasons are for people; states that differ only in them behave the same. */
function withoutReasons(state: State): State {
  const { phase } = state;
  return "why" in phase && phase.why !== "cancelled"
    ? { ...state, phase: { ...phase, why: "cancelled" } }
    : state;
}

function withoutReason(message: Message): Message {
  return message.kind === "refused" ? { ...message, reason: "busy" } : message;
}
