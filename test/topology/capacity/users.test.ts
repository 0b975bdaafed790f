import fc from "fast-check";
import { expect, test } from "vitest";
import { lossesOf } from "../../../src/lib/topology/capacity/losses.js";
import { carrierCapacity } from "../../../src/lib/topology/rules/carrier-capacity.js";
import { carrierWithoutSite } from "../../../src/lib/topology/rules/carrier-without-site.js";
import { setCapacity } from "../../../src/lib/topology/rules/set-capacity.js";
import type { Topology } from "../../../src/lib/topology/types.js";
import { anyUsers, lostIdcs } from "./service.js";

/** Whether every user finds a place in an idc that their carrier reaches: one at a time, moving others where that helps. */
function everyoneFits(topology: Topology, lost: readonly string[]): boolean {
  const { idcs, sets } = topology;
  const demand = topology.demand!;
  const users = demand.carriers.flatMap(({ id, share }) =>
    Array.from({ length: Math.round(share * demand.onlineUsers) }, () => id),
  );
  const rest = demand.onlineUsers - users.length;
  const everyone: (string | null)[] = [...users, ...Array.from({ length: rest }, () => null)];
  const room = idcs.map(({ id }, i) => (lost.includes(id) ? 0 : sets[i]!.capacity.onlineUsers));
  const placed: number[][] = idcs.map(() => []);
  const place = (user: number, tried: Set<string>): boolean => {
    const carrier = everyone[user]!;
    for (const [i, { carriers, carrierUsers }] of idcs.entries()) {
      if (carrier !== null && !carriers.includes(carrier)) continue;
      const there = placed[i]!;
      const same = there.filter((other) => everyone[other] === carrier);
      const full = carrier !== null && same.length >= (carrierUsers[carrier] ?? Infinity);
      const door = full ? `${i} ${carrier}` : `${i}`;
      if (tried.has(door)) continue;
      tried.add(door);
      if (!full && there.length < room[i]!) return there.push(user) > 0;
      const mover = (full ? same : [...there]).find((other) => place(other, tried));
      if (mover !== undefined) return there.splice(there.indexOf(mover), 1, user).length > 0;
    }
    return false;
  };
  return everyone.every((_, user) => place(user, new Set()));
}

test("users fit after every loss exactly if no rule finds a lack: the smallest groups of carriers say all", () => {
  let short = 0;
  let carriersOnly = 0;
  fc.assert(
    fc.property(anyUsers, (topology) => {
      const fits = [[], ...lostIdcs(topology)].every((lost) => everyoneFits(topology, lost));
      const total = [...setCapacity.check(topology)];
      const byCarrier = [...carrierCapacity.check(topology), ...carrierWithoutSite.check(topology)];
      // A carrier without users may have no site; that is a mistake, but nobody lacks anything.
      if (topology.demand!.carriers.some(({ share }) => share === 0)) return;
      expect(total.length + byCarrier.length === 0).toBe(fits);
      if (!fits) short += 1;
      if (!fits && total.length === 0) carriersOnly += 1;
    }),
    { numRuns: 3000 },
  );
  expect(short).toBeGreaterThan(300);
  expect(carriersOnly).toBeGreaterThan(100);
});

test("told are the smallest groups of carriers that lack something, and no group that holds one of them", () => {
  const base = fc.sample(anyUsers, 1)[0]!;
  const reaches = [["a"], ["b"], ["c", "d"], ["e"]];
  const demand = { a: 2, b: 2, c: 1, d: 1, e: 1 };
  const topology: Topology = {
    ...base,
    policy: { ...base.policy, regionsLost: 0 },
    regions: [{ id: "r" }, { id: "s" }],
    idcs: reaches.map((carriers, i) => ({
      id: `i${i}`,
      region: i < 3 ? "r" : "s",
      carriers,
      carrierUsers: {},
    })),
    sets: reaches.map((_, i) => ({
      id: `i${i}-a`,
      idc: `i${i}`,
      region: i < 3 ? "r" : "s",
      capacity: { onlineUsers: i < 3 ? 1 : 10, loginsPerSecond: 0 },
    })),
    demand: {
      ...base.demand!,
      onlineUsers: 7,
      carriers: Object.entries(demand).map(([id, users]) => ({ id, share: users / 7 })),
    },
  };
  const now = [...carrierCapacity.check(topology)].filter(({ path }) => path[0] === "demand");
  expect(now.map(({ message }) => message)).toEqual([
    "with nothing lost, users of a: 2 users online needed, 1 there, 1 missing",
    "with nothing lost, users of b: 2 users online needed, 1 there, 1 missing",
    "with nothing lost, users of c and d: 2 users online needed, 1 there, 1 missing",
  ]);
});

test("the losses are those that the policy names, once each", () => {
  fc.assert(
    fc.property(anyUsers, (topology) => {
      const sorted = (sets: readonly (readonly string[])[]) =>
        sets.map((ids) => ids.toSorted().join(" ")).toSorted();
      const losses = lossesOf(topology);
      expect(sorted(losses.map(({ idcs }) => [...idcs]))).toEqual(sorted(lostIdcs(topology)));
      expect(new Set(losses.map(({ what }) => what)).size).toBe(losses.length);
    }),
  );
});

test("of too many combinations of regions those of the largest are looked at", () => {
  const ids = Array.from({ length: 60 }, (_, i) => `r${i}`);
  const topology = (regionsLost: number): Topology => {
    const base = fc.sample(anyUsers, 1)[0]!;
    return {
      ...base,
      regions: ids.map((id) => ({ id })),
      idcs: ids.map((region) => ({
        id: `${region}-i`,
        region,
        carriers: ["c0"],
        carrierUsers: {},
      })),
      sets: ids.map((region, i) => ({
        id: `${region}-a`,
        idc: `${region}-i`,
        region,
        capacity: { onlineUsers: i, loginsPerSecond: 0 },
      })),
      policy: { ...base.policy, regionsLost },
    };
  };
  const pairs = lossesOf(topology(2));
  expect(pairs).toHaveLength((32 * 31) / 2);
  expect(pairs[0]!.what).toBe("regions r28 and r29");
  expect(pairs.at(-1)!.what).toBe("regions r58 and r59");
  for (const many of [3, 10, 30, 50, 59]) {
    const losses = lossesOf(topology(many));
    expect(losses.length).toBeGreaterThan(0);
    expect(losses.length).toBeLessThanOrEqual(500);
    for (const { regions } of losses) expect(regions).toHaveLength(many);
  }
  expect(lossesOf(topology(60))).toHaveLength(1);
  expect(lossesOf(topology(100))).toHaveLength(1);
});
