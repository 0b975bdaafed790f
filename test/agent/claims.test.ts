import { setTimeout as sleep } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import type { Peers } from "../../src/lib/agent/client/peer.js";
import { Holdings } from "../../src/lib/agent/server/holdings.js";
import { Ownership } from "../../src/lib/agent/server/ownership.js";
import type { Answer } from "../../src/lib/ownership/types.js";
import { followerStore } from "./store.js";

const ATTEMPT = "a".repeat(32);

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
  const ownership = new Ownership({
    self: () => ({ node: "t", url: "http://t" }),
    engine: store.engine,
    holdings,
    peers: { ownership: ownershipOf } as Peers,
    urlOf: () => null,
    onOutcome: () => undefined,
    onBusy: () => undefined,
    die: (error) => {
      throw error;
    },
  });
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
