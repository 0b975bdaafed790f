import assert from "node:assert/strict";
import { describe, expect, it } from "vitest";
import { OpsError } from "../../../src/lib/errors.js";
import type { Intent } from "../../../src/lib/schedule/change/intent.js";
import { planKeepAway } from "../../../src/lib/schedule/change/keep-away.js";
import {
  CONTEXT,
  COSTS,
  INTENT,
  NOW,
  SITES,
  SITUATION,
  TOPOLOGY,
  against,
  entry,
  gateway,
  planOf,
  proposed,
  rulesAgainst,
  withEntries,
} from "./situation.js";

describe("safety rules", () => {
  it("let a weak disable pass that the others can carry", async () => {
    expect(await rulesAgainst()).toEqual([]);
  });

  it("room, last-site: the rest does not hold everyone; a carrier has no site left", async () => {
    const found = against(await proposed({ sites: ["sh-a", "sz-a"] }));
    expect(found.map(({ rule }) => rule)).toEqual(["room", "last-site"]);
    expect(found[0]!.message).toMatch(/^200 users have no place .*unicom/);
    expect(found[1]!.message).toBe("no site that unicom reaches would be left");
  });

  it("last-site: an entry of another site counts, and a port by itself", async () => {
    const other = withEntries(entry({ site: "sz-a" }));
    expect(await rulesAgainst({ mode: "mask" }, other)).toContain("last-site");
    const unicom = { carrier: "unicom", province: null, port: null };
    const half = withEntries(entry({ site: "sz-a", ...unicom }));
    expect(await rulesAgainst({ mode: "mask", filter: unicom }, half)).toContain("last-site");
    const telecom = { ...unicom, carrier: "telecom" };
    expect(await rulesAgainst({ mode: "mask", filter: telecom }, half)).toEqual([]);
    const dead = {
      gateways: [gateway("sh-a", 200), gateway("tj-a", 200)],
      silent: [{ node: "sz-a-gw", role: "gateway" as const, site: "sz-a", why: "dead" }],
    };
    expect(await rulesAgainst({ mode: "mask" }, dead)).toContain("last-site");
    const port = { carrier: null, province: null, port: 80 };
    expect(await rulesAgainst({ mode: "mask", sites: SITES, filter: port })).not.toContain(
      "last-site",
    );
  });

  it("login-rate: faster than a receiver takes, all at once, or into one that has nothing to spare", async () => {
    const fast = against(await proposed({ pace: { kind: "rate", perSecond: 150 } }));
    expect(fast).toHaveLength(1);
    expect(fast[0]!.message).toMatch(
      /^..-a would get 1[0-9][0-9] logins.s .2 now., and takes 100$/,
    );
    expect(await rulesAgainst({ mode: "strong", pace: { kind: "unpaced" } })).toContain(
      "login-rate",
    );
    const gateways = [gateway("sh-a", 200), gateway("sz-a", 200, 100), gateway("tj-a", 200, 100)];
    const spent = against(await proposed({}, { gateways }));
    expect(new Set(spent.map(({ rule }) => rule))).toEqual(new Set(["login-rate"]));
    expect(spent[0]!.message).toContain("none are to spare");
    // Who is told at a pace of the planner's own does not come all at once: the one without a login to spare is in the way, no other.
    const one = [gateway("sh-a", 200), gateway("sz-a", 200, 100), gateway("tj-a", 200)];
    expect(against(await proposed({}, { gateways: one })).map(({ message }) => message)).toEqual([
      "sz-a has 100 logins/s of the 100 that it takes: none are to spare now",
    ]);
    const many = [gateway("sh-a", 200, 90), gateway("sz-a", 200, 50), gateway("tj-a", 200, 10)];
    expect(against(await proposed({}, { gateways: many })).map(({ message }) => message)).toEqual([
      "sz-a has 50 logins/s of the 100 that it takes: none are to spare now beside those that the users who come make by themselves",
    ]);
    expect(await rulesAgainst({ mode: "mask" }, { gateways })).toEqual([]);
  });

  it("ttl: not when it ends before the users are moved", async () => {
    expect(await rulesAgainst({ ttlMs: 1_000 })).toEqual(["ttl"]);
    expect(await rulesAgainst({ ttlMs: 1_000, mode: "mask" })).toEqual([]);
  });

  it("ttl: not when it ends before the receivers have been watched as well, by what the plan says", async () => {
    const proposal = await proposed();
    const { seconds } = planOf(proposal).estimate;
    // To answer, the mask, and six windows.
    expect(seconds).toBeCloseTo(proposal.pace.seconds + 8);
    expect(await rulesAgainst({ ttlMs: seconds * 1_000 + 1 })).toEqual([]);
    expect(await rulesAgainst({ ttlMs: seconds * 1_000 - 1 })).toEqual(["ttl"]);
    expect(await rulesAgainst({ ttlMs: seconds * 1_000 + 1, empties: true })).toEqual(["ttl"]);
  });

  it("ttl: not when it ends while the writes of the region still leave; it is said with which it would do", async () => {
    const plan = (intent: Partial<Intent>, writesSeconds: number) =>
      planKeepAway(
        { topology: TOPOLOGY, demand: TOPOLOGY.demand!, costs: COSTS },
        SITUATION,
        { ...INTENT, ...intent },
        (site) => `${site}-1`,
        { ...CONTEXT, writesSeconds },
      );
    await expect(plan({ ttlMs: 60_000 }, 0)).resolves.toBeDefined();
    const refused = await plan({ ttlMs: 60_000 }, 300).catch((error: unknown) => error);
    assert(refused instanceof OpsError);
    expect(refused).toMatchObject({ code: "unsafe", exit: 3 });
    expect(refused.message).toMatch(
      /ttl: until the users have moved it takes about 5m 1\ds, and the entry ends after 1m 00s$/,
    );
    expect(refused.hint).toMatch(/^--ttl 8m would do; if it must be: --override ttl /);
    await expect(plan({ ttlMs: 480_000 }, 300)).resolves.toBeDefined();
    await expect(plan({ ttlMs: 60_000, overrides: ["ttl"] }, 300)).resolves.toBeDefined();
    // There is none that would do.
    const never = await plan({ ttlMs: 60_000 }, 31 * 86_400).catch((error: unknown) => error);
    assert(never instanceof OpsError);
    expect(never.hint).toMatch(/^if it must be: --override ttl /);
  });

  it("one-at-a-time: no second entry of the same users, but a mask may become a disable", async () => {
    expect(await rulesAgainst({ mode: "weak" }, withEntries(entry()))).toEqual([]);
    expect(await rulesAgainst({ mode: "mask" }, withEntries(entry({ mode: "weak" })))).toEqual([
      "one-at-a-time",
    ]);
    const ended = { expires: NOW - 61_000 };
    expect(await rulesAgainst({}, withEntries(entry(ended)))).toEqual([]);
    const slow = { ...ended, ramp: { step: 0.1, everyMs: 60_000 } };
    expect(await rulesAgainst({}, withEntries(entry(slow)))).toEqual(["one-at-a-time"]);
    expect(await rulesAgainst({}, withEntries(entry({ carrier: "telecom" })))).toEqual([
      "one-at-a-time",
    ]);
    const unicom = { carrier: "unicom", province: null, port: null };
    expect(
      await rulesAgainst({ filter: unicom }, withEntries(entry({ carrier: "telecom" }))),
    ).toEqual([]);
  });

  it("anti-flap: not within a minute of the last change, unless a person says so", async () => {
    const recent = withEntries(entry({ since: NOW - 5_000 }));
    expect(await rulesAgainst({}, recent)).toEqual(["anti-flap"]);
    const found = against(await proposed({ overrides: ["anti-flap"] }, recent));
    expect(found).toEqual([
      {
        rule: "anti-flap",
        message: "sh-a was changed 5s ago (mask, by me@here)",
        overridden: true,
      },
    ]);
  });
});
