import * as shipped from "../../src/lib/ownership/copy.js";
import { rules, type Rules } from "../../src/lib/ownership/machine.js";
import type { Durable, Phase, State, Transition } from "../../src/lib/ownership/types.js";
import { Copying, COPY_RULES } from "./model/copying.js";
import type { Model } from "./model/explore.js";
import { CONTRACT, type Contract } from "./model/node.js";
import type { Scope } from "./model/scope.js";
import { Slices } from "./model/slices.js";
import { Takeover } from "./model/takeover.js";

export interface Mutant {
  readonly name: string;
  readonly broken: () => Model;
  /** What it leads to. */
  readonly harm: readonly string[];
}

const stay = (state: State): Transition => ({ state, effects: [] });
const isHopeful = ({ kind }: Phase) =>
  kind === "asking" || kind === "catching-up" || kind === "offering";

/** Leaves the claim without a word from the source. */
function release(state: State): Transition {
  const { durable } = state;
  if (durable.role !== "claiming") return stay(state);
  const { source, generation, handed, attempt } = durable;
  const pending: Durable = { role: "follower", source, generation, handed };
  return {
    state: { ...state, phase: { kind: "releasing", attempt, why: "cancelled", pending } },
    effects: [
      { kind: "disarm", id: attempt },
      { kind: "persist", durable: pending },
    ],
  };
}

/** YES is enough: the own position is not looked at. */
const promotesUnchecked: Pick<Rules, "handed"> = {
  handed(state, from, message) {
    const promoting = rules.handed(state, from, message);
    if (promoting.state.phase.kind !== "promoting") return promoting;
    const { position } = promoting.state.phase.handed;
    const crowning = rules.applied(promoting.state, { type: "applied", position });
    return {
      state: crowning.state,
      effects: [
        ...promoting.effects.filter(({ kind }) => kind !== "catch-up"),
        ...crowning.effects,
      ],
    };
  },
};

const handsOverUnchecked: Pick<Rules, "handover"> = {
  handover(state, from, message) {
    const { phase } = state;
    const position = (phase.kind === "fenced" ? phase.final : null) ?? message.position;
    return rules.handover(state, from, { ...message, position });
  },
};

const anyAttempt = <T extends { readonly attempt: string }>(state: State, message: T): T =>
  state.durable.role === "claiming" ? { ...message, attempt: state.durable.attempt } : message;

const takeovers = (
  name: string,
  scope: Partial<Scope>,
  change: { rules?: Partial<Rules>; contract?: Partial<Contract> },
  ...harm: string[]
): Mutant => ({
  name,
  broken: () =>
    new Takeover({
      ...scope,
      rules: { ...rules, ...change.rules },
      contract: { ...CONTRACT, ...scope.contract, ...change.contract },
    }),
  harm,
});

const one: Partial<Scope> = { writes: 1, takeovers: 1, crashes: 1 };
const oneLate: Partial<Scope> = { ...one, lateFrames: true };
const twoWrites: Partial<Scope> = { ...one, writes: 2 };
const retried: Partial<Scope> = { writes: 2, takeovers: 1, crashes: 0 };
const andBack: Partial<Scope> = { writes: 1, takeovers: 2, crashes: 0 };
const withDrops: Partial<Scope> = { ...andBack, drops: true, changes: 1 };
const madeAnew: Partial<Scope> = { writes: 0, takeovers: 2, crashes: 0, drops: true, changes: 2 };
const discarded: Partial<Scope> = {
  writes: 1,
  takeovers: 1,
  crashes: 0,
  drops: true,
  changes: 1,
  discards: 1,
};
/** For harm that takes more steps than the other kinds that the mutant leads to. */
const onlyLoss: Partial<Scope> = { successorHolds: false, staysWritable: false };
const SLICES = { writes: 3, takeovers: 2, oneCursor: false };
const COPIES = { rows: 2, writes: 3, trims: 1, crashes: 1, repoints: 0 };
const REPOINTED = { ...COPIES, crashes: 0, repoints: 2 };

/** The bounds that the mutants are caught within, with the shipped rules and an agent that keeps its contract. */
export const SOUND: Readonly<Record<string, () => Model>> = {
  "one takeover": () => new Takeover(one),
  "one takeover, late frames": () => new Takeover(oneLate),
  "one takeover, two writes": () => new Takeover(twoWrites),
  "a takeover and back": () => new Takeover(andBack),
  "a takeover and back, and a copy dropped": () => new Takeover(withDrops),
  "a copy dropped and made anew": () => new Takeover(madeAnew),
  "all discarded and made anew": () => new Takeover(discarded),
  slices: () => new Slices(SLICES),
  "a copy": () => new Copying(COPIES),
  "a copy pointed at a lagging one and back": () => new Copying(REPOINTED),
};

export const MUTANTS: readonly Mutant[] = [
  takeovers(
    "late handover accepted after the target gave up",
    withDrops,
    {
      rules: {
        resolve(state, from, message) {
          if (state.phase.kind !== "fenced") return rules.resolve(state, from, message);
          const { attempt } = message;
          const no = { kind: "released", answers: "resolve", attempt } as const;
          return { state, effects: [{ kind: "send", to: from, message: no }] };
        },
      },
    },
    "UNWRITABLE FOR EVER",
  ),
  takeovers(
    "handed answered from the current state instead of the record",
    withDrops,
    {
      rules: {
        resolve(state, from, message) {
          const { durable, phase } = state;
          const follows = durable.role === "follower" && durable.source === from;
          if (durable.role === "primary" || follows || phase.kind === "handing") {
            return rules.resolve(state, from, message);
          }
          return rules.resolve({ ...state, durable: { ...durable, handed: null } }, from, message);
        },
      },
    },
    "UNWRITABLE FOR EVER",
  ),
  takeovers(
    "cancel aborts a claim",
    withDrops,
    {
      rules: {
        giveUp: (state, event) =>
          event.type === "cancel" && isHopeful(state.phase)
            ? release(state)
            : rules.giveUp(state, event),
      },
    },
    "UNWRITABLE FOR EVER",
  ),
  takeovers(
    "a newer epoch aborts a promotion",
    withDrops,
    {
      rules: {
        giveUp: (state, event) =>
          event.type === "cancel" && state.phase.kind === "promoting"
            ? release(state)
            : rules.giveUp(state, event),
      },
    },
    "UNWRITABLE FOR EVER",
  ),
  takeovers(
    "refusal trusted without resolve",
    withDrops,
    {
      rules: {
        refused(state, _from, message) {
          const { durable, phase } = state;
          const mine = durable.role === "claiming" && durable.attempt === message.attempt;
          return mine && isHopeful(phase) ? release(state) : stay(state);
        },
      },
    },
    "UNWRITABLE FOR EVER",
  ),
  takeovers(
    "per-boot token counter, with both position checks removed",
    { ...one, ...onlyLoss },
    { rules: { ...promotesUnchecked, ...handsOverUnchecked }, contract: { freshTokens: false } },
    "LOST ACKNOWLEDGED WRITE",
  ),
  takeovers(
    "no token, with both position checks removed",
    { ...one, ...onlyLoss },
    {
      rules: {
        ...promotesUnchecked,
        handover(state, from, message) {
          const { phase } = state;
          const token = phase.kind === "fenced" ? phase.token : message.token;
          return handsOverUnchecked.handover(state, from, { ...message, token });
        },
      },
    },
    "LOST ACKNOWLEDGED WRITE",
  ),
  takeovers(
    "deadline fires while handing",
    { ...one, ...onlyLoss },
    {
      rules: {
        handover(state, from, message) {
          const { state: after, effects } = rules.handover(state, from, message);
          return { state: after, effects: effects.filter(({ kind }) => kind !== "disarm") };
        },
        deadline(state, event) {
          if (state.phase.kind !== "handing") return rules.deadline(state, event);
          const ended = [...state.ended, state.phase.attempt];
          return stay({ ...state, phase: { kind: "idle" }, ended });
        },
      },
    },
    "LOST ACKNOWLEDGED WRITE",
    "TWO WRITERS",
  ),
  takeovers(
    "streaming before the flush",
    twoWrites,
    { contract: { streamsFlushed: false } },
    "LOST ACKNOWLEDGED WRITE",
    "DIVERGED TAIL",
  ),
  takeovers(
    "acknowledging before the flush",
    one,
    { contract: { acknowledgesFlushed: false } },
    "LOST ACKNOWLEDGED WRITE",
  ),
  takeovers(
    "P read before the admitted writes have flushed",
    one,
    { contract: { drainsAdmitted: false } },
    "LOST ACKNOWLEDGED WRITE",
  ),
  takeovers(
    "no durable claim (without self-healing)",
    { ...one, contract: { ...CONTRACT, offers: false } },
    {
      rules: {
        takeover(state, event) {
          const recording = rules.takeover(state, event);
          return recording.state.phase.kind === "recording"
            ? rules.persisted(recording.state)
            : recording;
        },
      },
    },
    "UNWRITABLE FOR EVER",
  ),
  takeovers(
    "handover without the applied check",
    one,
    {
      rules: {
        fenced(state, from, message) {
          const { state: after } = rules.fenced(state, from, message);
          if (after.phase.kind !== "catching-up") return stay(state);
          return rules.applied(after, { type: "applied", position: message.final });
        },
      },
    },
    "HANDED TO A NODE WITHOUT THE DATA",
  ),
  takeovers(
    "applied position not durable and not rechecked",
    { ...one, ...onlyLoss },
    { rules: promotesUnchecked, contract: { appliesFlushed: false } },
    "LOST ACKNOWLEDGED WRITE",
  ),
  takeovers(
    "handover not durable",
    one,
    {
      rules: {
        handover(state, from, message) {
          const handing = rules.handover(state, from, message);
          if (handing.state.phase.kind !== "handing" || state.phase.kind === "handing")
            return handing;
          const { state: after, effects } = rules.persisted(handing.state);
          return {
            state: after,
            effects: [...handing.effects.filter(({ kind }) => kind !== "persist"), ...effects],
          };
        },
      },
    },
    "TWO WRITERS",
  ),
  takeovers(
    "answer not matched to its attempt",
    withDrops,
    {
      rules: {
        handed: (state, from, message) => rules.handed(state, from, anyAttempt(state, message)),
        released: (state, from, message) => rules.released(state, from, anyAttempt(state, message)),
        fenced: (state, from, message) => rules.fenced(state, from, anyAttempt(state, message)),
        refused: (state, from, message) => rules.refused(state, from, anyAttempt(state, message)),
      },
    },
    "UNWRITABLE FOR EVER",
    "TWO WRITERS",
  ),
  takeovers(
    "frames applied without the position check",
    oneLate,
    { contract: { checksFrames: false } },
    "ENTRY TWICE",
  ),
  takeovers(
    "dropped without asking who reigns",
    withDrops,
    { contract: { asksBeforeDrop: false } },
    "UNWRITABLE FOR EVER",
    "HANDED TO A NODE WITHOUT THE DATA",
  ),
  takeovers(
    "an offer believed by a node that has already reigned",
    andBack,
    {
      rules: {
        offer(state, self, from, message) {
          const durable = { ...state.durable, generation: message.handed.generation - 1n };
          return rules.offer({ ...state, durable }, self, from, message);
        },
      },
    },
    "TWO WRITERS",
  ),
  takeovers(
    "an offer believed by a copy made anew",
    madeAnew,
    {
      rules: {
        offer(state, self, from, message) {
          const { durable } = state;
          if (durable.generation !== 0n) return rules.offer(state, self, from, message);
          const asIfOld = { ...durable, generation: message.handed.generation - 1n };
          return rules.offer({ ...state, durable: asIfOld }, self, from, message);
        },
      },
    },
    "TWO WRITERS",
  ),
  takeovers(
    "a fence for another generation accepted",
    retried,
    {
      rules: {
        fence(state, from, message, token) {
          const next = state.durable.generation + 1n;
          return rules.fence(state, from, { ...message, next }, token);
        },
      },
    },
    "POSITIONS FALL",
  ),
  takeovers(
    "generations that begin at 1 again after a discard",
    discarded,
    { contract: { remembersReigns: false } },
    "WRITE TO WHAT WAS DISCARDED",
  ),
  {
    name: "one cursor across slices",
    broken: () => new Slices({ ...SLICES, oneCursor: true }),
    harm: ["LOST ACKNOWLEDGED WRITE"],
  },
  copies("new snapshot over old rows", { wipes: false }, "DELETED ROW CAME BACK"),
  copies(
    "replay from the last snapshot position",
    {
      copyFinished(copy) {
        const finished = shipped.copyFinished(copy);
        return { ...finished, cursor: copy.last! };
      },
    },
    "A STATE THAT NEVER EXISTED",
    "DELETED ROW CAME BACK",
  ),
  copies(
    "reads before the cursor reaches `last`",
    { readable: (copy) => copy.phase === "streaming" },
    "A STATE THAT NEVER EXISTED",
    "DELETED ROW CAME BACK",
  ),
  {
    name: "pins only rise",
    broken: () =>
      new Copying(REPOINTED, {
        ...COPY_RULES,
        chunkPinned: (copy, pinned) => ({ ...copy, first: copy.first ?? pinned, last: pinned }),
      }),
    harm: ["A STATE THAT NEVER EXISTED"],
  },
];

function copies(name: string, change: Partial<typeof COPY_RULES>, ...harm: string[]): Mutant {
  return { name, broken: () => new Copying(COPIES, { ...COPY_RULES, ...change }), harm };
}
