import { describe, expect, test } from "vitest";
import { machine, next, restart, rules } from "../../src/lib/ownership/machine.js";
import { following, reigning } from "../../src/lib/ownership/permissions.js";
import type {
  Answer,
  Durable,
  Effect,
  Event,
  Handed,
  LogPosition,
  Message,
  Phase,
  Request,
  State,
} from "../../src/lib/ownership/types.js";

const at = (generation: bigint, index: bigint): LogPosition => ({ generation, index });
const P = at(1n, 7n);
const PAST = at(1n, 8n);
const SHORT = at(1n, 6n);

const state = (durable: Durable, phase: Phase = { kind: "idle" }, ended: string[] = []): State => ({
  durable,
  phase,
  ended,
});
const hears = (from: string, message: Message, token = "fresh"): Event => ({
  type: "message",
  from,
  message,
  token,
});
const send = (to: string, message: Message): Effect => ({ kind: "send", to, message });

// Requests of T's attempt a, and S's answers.
const fence: Request = { kind: "fence", attempt: "a", next: 2n, budgetMs: 500 };
const handover: Request = { kind: "handover", attempt: "a", token: "t", position: P };
const resolve: Request = { kind: "resolve", attempt: "a" };
const fenced: Answer = { kind: "fenced", answers: "fence", attempt: "a", token: "t", final: P };
const yes = (answers: "handover" | "resolve"): Answer => ({
  kind: "handed",
  answers,
  attempt: "a",
  position: P,
});
const no: Answer = { kind: "released", answers: "resolve", attempt: "a" };
const refused = (
  answers: "fence" | "handover",
  reason: (Answer & { kind: "refused" })["reason"],
): Answer => ({
  kind: "refused",
  answers,
  attempt: "a",
  reason,
});

// S, the source, at generation 1.
const record: Handed = { to: "T", generation: 2n, attempt: "a", token: "t", position: P };
const primary = state(reigning(1n));
const handedDurable: Durable = { role: "follower", source: "T", generation: 2n, handed: record };
const draining = state(reigning(1n), {
  kind: "fenced",
  attempt: "a",
  token: "t",
  to: "T",
  next: 2n,
  final: null,
});
const standing = state(reigning(1n), { ...draining.phase, final: P } as Phase);
const handing = state(reigning(1n), {
  kind: "handing",
  attempt: "a",
  to: "T",
  owed: ["handover"],
  pending: handedDurable,
});
const handedOver = state(handedDurable);
const unfenced = state(reigning(1n), { kind: "idle" }, ["a"]);

// T, the target.
const follower = state(following("S"));
const claim: Durable & { role: "claiming" } = {
  role: "claiming",
  source: "S",
  attempt: "a",
  next: 2n,
  generation: 0n,
  handed: null,
};
const recording = (abandoned = false): State =>
  state(following("S"), {
    kind: "recording",
    attempt: "a",
    budgetMs: 500,
    giveUpMs: 2000,
    abandoned,
    pending: claim,
  });
const asking = state(claim, { kind: "asking", budgetMs: 500 });
const catchingUp = state(claim, { kind: "catching-up", token: "t", final: P });
const offering = state(claim, { kind: "offering", token: "t", position: P });
const resolving = (why: "timed-out" | "cancelled" | "busy" | "behind" | "restarted") =>
  state(claim, { kind: "resolving", why });
const promoting = state(claim, {
  kind: "promoting",
  handed: { attempt: "a", generation: 2n, position: P },
});
const crowned: Durable = reigning(2n);
const crowning = state(claim, { kind: "crowning", attempt: "a", pending: crowned });
const releasing = state(claim, {
  kind: "releasing",
  attempt: "a",
  why: "timed-out",
  pending: following("S"),
});
const takeover: Event = { type: "takeover", attempt: "a", next: 2n, budgetMs: 500, giveUpMs: 2000 };

type Row = [what: string, given: State, event: Event, then: State, ...effects: Effect[]];

// One row a line, beside the table of the protocol.
// prettier-ignore
const source: Row[] = [
  ["a fence blocks writes, starts the timer and drains", primary, hears("T", fence, "t"), draining,
    { kind: "arm", timer: "deadline", id: "t", ms: 500 }, { kind: "drain", token: "t" }],
  ["it is answered once every admitted write has flushed", draining, { type: "drained", token: "t", position: P }, standing,
    send("T", fenced)],
  ["another fence's drain is not this one's", draining, { type: "drained", token: "old", position: P }, draining],
  ["the same attempt again gets the same token and position", standing, hears("T", fence, "new"), standing,
    send("T", fenced)],
  ["or waits for the drain", draining, hears("T", fence, "new"), draining],
  ["another attempt is refused", standing, hears("R", { ...fence, attempt: "b" }), standing,
    send("R", { ...refused("fence", "busy"), attempt: "b" })],
  ["an ended attempt is refused", unfenced, hears("T", fence), unfenced, send("T", refused("fence", "attempt-ended"))],
  ["so is one for a generation that has begun", primary, hears("T", { ...fence, next: 1n }), primary,
    send("T", refused("fence", "wrong-generation"))],
  ["so is a fence at a follower", handedOver, hears("T", fence), handedOver, send("T", refused("fence", "not-primary"))],
  ["a generation may be skipped", primary, hears("T", { ...fence, next: 3n }, "t"),
    state(primary.durable, { ...draining.phase, next: 3n } as Phase),
    { kind: "arm", timer: "deadline", id: "t", ms: 500 }, { kind: "drain", token: "t" }],
  ["the deadline kills the token and unblocks", standing, { type: "deadline", token: "t" }, unfenced],
  ["before the drain it also answers the fence", draining, { type: "deadline", token: "t" }, unfenced,
    send("T", refused("fence", "fence-ended"))],
  ["another fence's timer changes nothing", standing, { type: "deadline", token: "old" }, standing],
  ["a handover disarms the timer before the commit", standing, hears("T", handover), handing,
    { kind: "disarm", id: "t" }, { kind: "persist", durable: handedDurable }],
  ["a target that is behind is refused", standing, hears("T", { ...handover, position: SHORT }), standing,
    send("T", refused("handover", "behind"))],
  ["so is a token of another fence", standing, hears("T", { ...handover, token: "old" }), standing,
    send("T", refused("handover", "fence-ended"))],
  ["so is somebody else's", standing, hears("R", handover), standing, send("R", refused("handover", "fence-ended"))],
  ["so is one before the drain", draining, hears("T", handover), draining, send("T", refused("handover", "fence-ended"))],
  ["so is one after the deadline", unfenced, hears("T", handover), unfenced, send("T", refused("handover", "fence-ended"))],
  ["the deadline does not fire while handing", handing, { type: "deadline", token: "t" }, handing],
  ["once stored it is a follower and answers", handing, { type: "persisted" }, handedOver, send("T", yes("handover"))],
  ["a resolve meanwhile waits", handing, hears("T", resolve),
    state(handing.durable, { ...handing.phase, owed: ["handover", "resolve"] } as Phase)],
  ["a handover again meanwhile waits too", handing, hears("T", handover), handing],
  ["a late handover is answered from the record", handedOver, hears("T", handover), handedOver, send("T", yes("handover"))],
  ["so is a resolve", handedOver, hears("T", resolve), handedOver, send("T", yes("resolve"))],
  ["also while it claims the entry back", state({ ...claim, attempt: "b", handed: record }, asking.phase), hears("T", resolve),
    state({ ...claim, attempt: "b", handed: record }, asking.phase), send("T", yes("resolve"))],
  ["a resolve kills that attempt's fence before it says NO", standing, hears("T", resolve), unfenced,
    { kind: "disarm", id: "t" }, send("T", no)],
  ["and answers a fence that still drains", draining, hears("T", resolve), unfenced,
    { kind: "disarm", id: "t" }, send("T", refused("fence", "fence-ended")), send("T", no)],
  ["a resolve ends an attempt that has not arrived yet", primary, hears("T", resolve), unfenced, send("T", no)],
  ["a resolve of another attempt leaves the fence", standing, hears("R", { ...resolve, attempt: "b" }),
    state(standing.durable, standing.phase, ["b"]), send("R", { ...no, attempt: "b" })],
  ["a holder of the record offers when its successor does not reign", handedOver, { type: "retry" }, handedOver,
    send("T", { kind: "offer", handed: record })],
];

// prettier-ignore
const target: Row[] = [
  ["a takeover records the claim first", follower, takeover, recording(), { kind: "persist", durable: claim }],
  ["asked again it goes on", recording(), takeover, recording()],
  ["a primary refuses", primary, takeover, primary,
    { kind: "outcome", attempt: "a", outcome: "refused", why: "not-follower" }],
  ["one that claims already refuses", asking, { ...takeover, attempt: "b" }, asking,
    { kind: "outcome", attempt: "b", outcome: "refused", why: "busy" }],
  ["an older generation is refused", handedOver, takeover, handedOver,
    { kind: "outcome", attempt: "a", outcome: "refused", why: "wrong-generation" }],
  ["the fence is asked for once the claim has flushed", recording(), { type: "persisted" }, asking,
    { kind: "arm", timer: "timeout", id: "a", ms: 2000 }, send("S", fence)],
  ["no answer: it asks again", asking, { type: "retry" }, asking, send("S", fence)],
  ["fenced: it catches up", asking, hears("S", fenced), catchingUp, { kind: "catch-up", until: P }],
  ["an answer to another attempt is nothing to it", asking, hears("S", { ...fenced, attempt: "b" }), asking],
  ["nor is another node's", asking, hears("R", fenced), asking],
  ["short of P it waits", catchingUp, { type: "applied", position: SHORT }, catchingUp],
  ["at P it hands over", catchingUp, { type: "applied", position: P }, offering, send("S", handover)],
  ["past P it says so", catchingUp, { type: "applied", position: PAST },
    state(claim, { kind: "offering", token: "t", position: PAST }),
    send("S", { ...handover, position: PAST })],
  ["no answer: it hands over again", offering, { type: "retry" }, offering, send("S", handover)],
  ["handed: it checks its own position", offering, hears("S", yes("handover")), promoting,
    { kind: "disarm", id: "a" }, { kind: "catch-up", until: P }],
  ["short of P it does not reign", promoting, { type: "applied", position: SHORT }, promoting],
  ["at P it stores that it reigns", promoting, { type: "applied", position: P }, crowning,
    { kind: "persist", durable: crowned }],
  ["once stored it reigns", crowning, { type: "persisted" }, state(crowned),
    { kind: "outcome", attempt: "a", outcome: "taken", why: null }],
  ["a timeout leads to resolve", offering, { type: "timeout", attempt: "a" }, resolving("timed-out"),
    { kind: "disarm", id: "a" }, send("S", resolve)],
  ["so does cancel", asking, { type: "cancel", attempt: "a" }, resolving("cancelled"),
    { kind: "disarm", id: "a" }, send("S", resolve)],
  ["so does a refused fence", asking, hears("S", refused("fence", "busy")), resolving("busy"),
    { kind: "disarm", id: "a" }, send("S", resolve)],
  ["so does a refused handover", offering, hears("S", refused("handover", "behind")), resolving("behind"),
    { kind: "disarm", id: "a" }, send("S", resolve)],
  ["a refused copy of an answered fence does not", offering, hears("S", refused("fence", "busy")), offering],
  ["a timeout of another attempt does not", asking, { type: "timeout", attempt: "b" }, asking],
  ["cancelled while recording, it asks for no fence", recording(), { type: "cancel", attempt: "a" }, recording(true)],
  ["but resolves, as a claim always does", recording(true), { type: "persisted" }, resolving("cancelled"),
    { kind: "disarm", id: "a" }, send("S", resolve)],
  ["resolving, it asks until it is answered", resolving("timed-out"), { type: "retry" }, resolving("timed-out"),
    send("S", resolve)],
  ["it never hands over again", resolving("timed-out"), hears("S", fenced), resolving("timed-out")],
  ["nor does a cancel end it", resolving("timed-out"), { type: "cancel", attempt: "a" }, resolving("timed-out")],
  ["YES: it will reign after all", resolving("timed-out"), hears("S", yes("resolve")), promoting,
    { kind: "disarm", id: "a" }, { kind: "catch-up", until: P }],
  ["an offer is as good", resolving("timed-out"), hears("S", { kind: "offer", handed: record }), promoting,
    { kind: "disarm", id: "a" }, { kind: "catch-up", until: P }],
  ["NO: it will follow", resolving("timed-out"), hears("S", no), releasing,
    { kind: "persist", durable: following("S") }],
  ["NO is only heard once it was asked for", offering, hears("S", no), offering],
  ["once stored it follows", releasing, { type: "persisted" }, follower,
    { kind: "outcome", attempt: "a", outcome: "released", why: "timed-out" }],
  ["cancel does not stop a promotion", promoting, { type: "cancel", attempt: "a" }, promoting],
  ["a follower that forgot its claim believes an offer of the next reign",
    state({ ...following("S"), generation: 1n }), hears("S", { kind: "offer", handed: record }),
    state({ ...following("S"), generation: 1n }, promoting.phase),
    { kind: "disarm", id: "a" }, { kind: "catch-up", until: P }],
  ["not of a reign that it has had", state({ ...following("S"), generation: 3n }), hears("S", { kind: "offer", handed: record }),
    state({ ...following("S"), generation: 3n })],
  ["a copy made anew believes none", follower, hears("S", { kind: "offer", handed: record }), follower],
  ["nor does one that follows somebody else", state({ ...following("R"), generation: 1n }),
    hears("S", { kind: "offer", handed: record }), state({ ...following("R"), generation: 1n })],
  ["a follower is pointed elsewhere", follower, { type: "repoint", source: "R" },
    state(following("S"), { kind: "repointing", pending: following("R") }), { kind: "persist", durable: following("R") }],
  ["and follows there once that is stored", state(following("S"), { kind: "repointing", pending: following("R") }),
    { type: "persisted" }, state(following("R"))],
  ["a claim is not pointed elsewhere", asking, { type: "repoint", source: "R" }, asking],
];

describe.each([
  ["the source", "S", source],
  ["the target", "T", target],
] as const)("%s", (_, self, rows) => {
  test.each(rows.map(([what, ...row]) => ({ what, row })))("$what", ({ row }) => {
    const [given, event, then, ...effects] = row;
    expect(next(self, given, event)).toEqual({ state: then, effects });
  });
});

describe("after a restart", () => {
  test("a claim resolves", () => {
    expect(restart(claim)).toEqual({
      state: resolving("restarted"),
      effects: [send("S", resolve)],
    });
  });
  test("a primary has no fence", () => {
    expect(restart(standing.durable)).toEqual({ state: primary, effects: [] });
  });
  test("a holder of the record offers", () => {
    const offer = send("T", { kind: "offer", handed: record });
    expect(restart(handedDurable)).toEqual({ state: handedOver, effects: [offer] });
  });
});

test("every phase that waits for the disk ignores everything else but what must wait with it", () => {
  const waiting = [recording(), crowning, releasing];
  const events: Event[] = [
    { type: "timeout", attempt: "b" },
    { type: "retry" },
    { type: "applied", position: P },
    { type: "repoint", source: "R" },
    hears("S", fenced),
    hears("S", yes("handover")),
    hears("S", no),
    hears("S", { kind: "offer", handed: record }),
  ];
  for (const given of waiting) {
    for (const event of events)
      expect(next("T", given, event)).toEqual({ state: given, effects: [] });
  }
});

test("ended attempts are remembered within a bound, the newest", () => {
  let now: State = primary;
  for (let i = 0; i < 100; i++) {
    now = next("S", now, hears("T", { kind: "resolve", attempt: `a${i}` })).state;
  }
  expect(now.ended).toHaveLength(16);
  expect(now.ended.at(-1)).toBe("a99");
});

test("a machine made of the shipped rules is the shipped machine", () => {
  expect(Object.isFrozen(rules)).toBe(true);
  expect(machine(rules).next("S", standing, hears("T", handover))).toEqual(
    next("S", standing, hears("T", handover)),
  );
});
