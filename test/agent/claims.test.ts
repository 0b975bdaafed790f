import { setTimeout as sleep } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import type { Peers } from "../../src/lib/agent/client/peer.js";
import { Holdings } from "../../src/lib/agent/server/holdings.js";
import { Ownership } from "../../src/lib/agent/server/ownership.js";
import type { Answer } from "../../src/lib/ownership/types.js";
import { followerStore, primaryStore, type Store } from "./store.js";

const ATTEMPT = "a".repeat(32);

/** That of node `t`. */
function ownershipAt(store: Store, holdings: Holdings, peers: Partial<Peers>): Ownership {
  return new Ownership({
    self: () => ({ node: "t", url: "http://t" }),
    engine: store.engine,
    holdings,
    peers: peers as Peers,
    urlOf: () => null,
    onOutcome: () => undefined,
    onBusy: () => undefined,
    die: (error) => {
      throw error;
    },
  });
}

test("a claim goes on asking what became of it, although an older request is answered meanwhile", async () => {
  const store = await followerStore(true);
  const holdings = new Holdings(store.engine);
  let answerFence!: (answer: Answer) => void;
  const fenced = new Promise<Answer>((resolve) => (answerFence = resolve));
  let resolves = 0;
  const ownershipOf: Peers["ownership"] = async (_url, { request }) => {
    if (request.kind === "fence") return fenced;
    resolves += 1;
    if (resolves === 1) throw new Error("ECONNRESET");
    return { kind: "released", answers: "resolve", attempt: request.attempt };
  };
  const ownership = ownershipAt(store, holdings, { ownership: ownershipOf });
  const holding = holdings.at("p", 5n)!;
  const claim = { attempt: ATTEMPT, next: 2n, budgetMs: 500, giveUpMs: 60_000 };
  const ended = ownership.takeover(holding, claim);
  while (holding.state.phase.kind !== "asking") await sleep(1);
  ownership.dispatch(holding, { type: "cancel", attempt: ATTEMPT });
  await vi.waitFor(() => expect(holding.link.error).toContain("ECONNRESET"));
  answerFence({ kind: "refused", answers: "fence", attempt: ATTEMPT, reason: "fence-ended" });
  expect(await ended).toMatchObject({ outcome: "released", why: "cancelled" });
  expect(resolves).toBe(2);
  ownership.close();
  await store.remove();
});

test("who has handed over is as fresh as that, however long ago it followed somebody before its reign", async () => {
  const store = await primaryStore();
  const holdings = new Holdings(store.engine);
  const ownership = ownershipAt(store, holdings, {});
  const holding = holdings.at("p", 5n)!;
  holding.link.caughtUpAt = performance.now() - 60_000;
  holding.link.enter("streaming");
  const from = { node: "s", url: "http://s" };
  const slice = { keyspace: "p", lo: holding.lo, hi: holding.hi, from };
  const fence = { kind: "fence", attempt: ATTEMPT, next: 2n, budgetMs: 60_000 } as const;
  const fenced = await ownership.answer({ ...slice, request: fence });
  if (fenced.kind !== "fenced") throw new Error(`it was ${fenced.kind}`);
  const { token, final } = fenced;
  const before = performance.now();
  const handover = { kind: "handover", attempt: ATTEMPT, token, position: final } as const;
  expect(await ownership.answer({ ...slice, request: handover })).toMatchObject({ kind: "handed" });
  const { entry, link } = holdings.at("p", 5n)!;
  expect(entry.link?.source).toEqual(from);
  expect(link.caughtUpAt).toBeGreaterThanOrEqual(before);
  expect(link.phase).toBe("disconnected");
  ownership.close();
  await store.remove();
});
