import { afterEach, expect, test, vi } from "vitest";
import { DispatchClient } from "../../../src/lib/demo/sessions/dispatch-client.js";
import type { Counts } from "../../../src/lib/demo/sessions/figures.js";
import { User } from "../../../src/lib/demo/sessions/user.js";
import { Sites, VERSION, personOf } from "./sites.js";

let sites: Sites;
let dispatch: DispatchClient;
let user: User;
afterEach(() => {
  user?.stop();
  dispatch.close();
  sites.stop();
});

const REPORT = {
  carrier: "telecom",
  province: "hunan",
  site: "b",
  url: "ws://b",
  rttMs: null,
  sent: 1,
  lost: 1,
};

test("an address is forgotten by no policy that is older than the one that gave it", async () => {
  sites = await Sites.start({ a: {}, b: {} });
  dispatch = new DispatchClient([sites.dispatchUrl], Math.random);
  const probed: string[] = [];
  user = new User(personOf(0), {
    dispatch,
    network: () => ({ loss: 0, delayMs: 0 }),
    random: Math.random,
    counts: { msWithout: 0, longestMsWithout: 0, lost: new Map() } as Counts,
    onBeat: (_, { site }) => probed.push(site),
  });
  user.start();
  await vi.waitFor(() => expect(user.site).toBe("a"), { timeout: 20_000 });
  const gone = sites.gateway("b").addresses.map(({ url }) => url);

  user.forget({ version: VERSION - 1, gone });
  await user.probe();
  expect(probed).toContain("b");

  probed.length = 0;
  user.forget({ version: VERSION, gone });
  await user.probe();
  expect(probed).not.toContain("b");
});

test("what is gone is heard only from a dispatcher that says by which policy", async () => {
  sites = await Sites.start({});
  dispatch = new DispatchClient([sites.dispatchUrl], Math.random);
  sites.taken = { taken: 0, ignored: 1, version: 7, gone: ["ws://b"] };
  expect(await dispatch.report([REPORT])).toEqual({ version: 7, gone: ["ws://b"] });
  // As one of an earlier version answers.
  sites.taken = { taken: 0, ignored: 1, gone: ["ws://b"] };
  expect(await dispatch.report([REPORT])).toBeNull();
});
