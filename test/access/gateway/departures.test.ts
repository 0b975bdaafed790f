import { expect, test } from "vitest";
import type { WebSocket } from "ws";
import { Departures } from "../../../src/lib/access/gateway/departures.js";
import { Registry } from "../../../src/lib/access/gateway/registry.js";
import { Session } from "../../../src/lib/access/gateway/session.js";

test("a departure ends also while those who belong here go on coming", async () => {
  const registry = new Registry();
  let last = -1n;
  const join = (): void => {
    last += 1n;
    registry.add(new Session(last, registry.group("telecom", "guangdong", 1), {} as WebSocket));
  };
  const departures = new Departures({
    registry,
    site: "here",
    addressesFor: ({ uid }) => {
      // Whenever the last one is looked at another one has come.
      if (uid === last) join();
      return [{ site: uid < 10n ? "there" : "here", url: "ws://x", port: 1 }];
    },
    notify: (session) => {
      queueMicrotask(() => {
        registry.remove(session);
        departures.gone(session);
      });
      return true;
    },
    close: () => undefined,
  });
  for (let i = 0; i < 20; i += 1) join();
  const filter = { carrier: null, province: null, port: null };
  const order = { entry: "e", filter, count: null, perSecond: null, withinMs: 60_000 };
  const { signal } = new AbortController();
  const done = await departures.relogin(order, { signal, report: () => undefined });
  expect(done).toMatchObject({ told: 10, left: 10, overdue: 0 });
});
