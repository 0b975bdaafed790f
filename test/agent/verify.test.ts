import { expect, test } from "vitest";
import { Holdings } from "../../src/lib/agent/server/holdings.js";
import { heedSource } from "../../src/lib/agent/server/apply.js";
import type { Context } from "../../src/lib/agent/server/operations/context.js";
import { verify } from "../../src/lib/agent/server/operations/verify.js";
import { placeOf } from "../../src/lib/engines/place.js";
import { followerStore } from "./store.js";

test("a copy that begins anew while it is compared does not count as verified", async () => {
  const store = await followerStore(false);
  const { engine } = store;
  const at = { generation: 1n, index: 1n };
  await engine.write((txn) =>
    txn.change({ keyspace: "p", place: placeOf(5n, "5/a"), value: Buffer.from("v") }, at),
  );
  const holdings = new Holdings(engine);
  const holding = holdings.at("p", 5n)!;
  const digest = async () => {
    const view = engine.read();
    const mine = await view.digest("p", { lo: 0n, hi: 100n }, null, 1_000);
    view.close();
    // What the feed does when the source says that its log does not reach back.
    const trimmed = { type: "unserved", segment: 0, reason: "trimmed" } as const;
    const deps = { engine, holdings, ownership: null as never };
    await heedSource(deps, "s", [{ holding, link: "l" }], trimmed);
    return mine;
  };
  const pinAt = async (_holding: unknown, ask: () => Promise<unknown>) => {
    await ask();
    return engine.read();
  };
  const context = {
    engine,
    holdings,
    links: { feedOf: () => ({ pinAt }) },
    peers: { digest: async () => ({ pinned: { position: at, head: 1n }, abandon() {}, digest }) },
  } as unknown as Context;
  const task = { id: "x", signal: new AbortController().signal, report() {} };
  await expect(
    verify(context, { kind: "verify", keyspace: "p", lo: 0n, hi: 100n }, task),
  ).rejects.toMatchObject({ problem: { code: "link-changed", retryable: true } });
  expect(engine.entryAt("p", 5n)!.link).toMatchObject({
    copy: { phase: "copying" },
    verified: false,
  });
  await store.remove();
});
