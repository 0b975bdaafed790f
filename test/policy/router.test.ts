import fc from "fast-check";
import { expect, test } from "vitest";
import { cut } from "../../src/lib/policy/cut.js";
import type { Entry, PolicyDocument } from "../../src/lib/policy/document.js";
import { Router, type User } from "../../src/lib/policy/router.js";
import { DAY, entry, fractions, site, threeSites, user } from "./policies.js";

const seed = 20_260_102;
const SITES = ["a", "b", "c", "d"];
const CARRIERS = ["telecom", "unicom"];
const PROVINCES = ["guangdong", "other"];
const PORTS = [80, 443];

const someMap = (but: string | null) =>
  fc
    .array(fc.integer({ min: 0, max: 9 }), { minLength: SITES.length, maxLength: SITES.length })
    .map((weights) => {
      const left = weights.map((weight, i) => (SITES[i] === but ? 0 : weight + 0.01));
      const sum = left.reduce((all, one) => all + one, 0);
      return cut([], new Map(SITES.map((id, i) => [id, left[i]! / sum])));
    });
const orNull = <T>(values: readonly T[]) => fc.constantFrom(null, ...values);
const classes = CARRIERS.flatMap((carrier) => PROVINCES.map((province) => ({ carrier, province })));

const someEntry = (id: string): fc.Arbitrary<Entry> =>
  fc.constantFrom(...SITES).chain((at) =>
    fc
      .record({
        carrier: orNull(CARRIERS),
        province: orNull(PROVINCES),
        port: orNull(PORTS),
        since: fc.integer({ min: 0, max: 1_000 }),
        step: fc.constantFrom(0.1, 0.3, 1),
        redirects: fc
          .subarray(classes)
          .chain((some) =>
            fc.tuple(...some.map((one) => someMap(at).map((map) => ({ ...one, map })))),
          ),
      })
      .map(({ step, since, ...fields }) => {
        const times = { since, expires: since + 1_000, ramp: { step, everyMs: 500 } };
        return entry({ id, site: at, ...fields, ...times });
      }),
  );

/** Any number of entries at a time, also for every site, each with redirects to sites that other ones mask. */
const someDocument: fc.Arbitrary<PolicyDocument> = fc
  .record({
    bases: fc.tuple(...classes.map(() => someMap(null))),
    entries: fc
      .array(fc.nat(), { maxLength: 7 })
      .chain((all) => fc.tuple(...all.map((_, i) => someEntry(`e${i}`)))),
  })
  .map(({ bases, entries }) => ({
    v: 1,
    version: 3,
    sites: {
      a: site(CARRIERS, 80, 443),
      b: site(["telecom"], 80, 443),
      c: site(["unicom"], 443),
      d: site(CARRIERS, 80),
    },
    classes: classes.map((one, i) => ({ ...one, base: bases[i]! })),
    entries,
  }));

const someUser: fc.Arbitrary<User> = fc.record({
  uid: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  carrier: fc.constantFrom(...CARRIERS, "satellite"),
  province: fc.constantFrom("guangdong", "hunan"),
  port: orNull(PORTS),
});

const at = fc.integer({ min: 0, max: 9_000 });

/** Whether an entry that is for everyone whom it matches is for this user and address. Written apart from the router. */
function masks(one: Entry, asking: User, address: { site: string; port: number }): boolean {
  const carrier = CARRIERS.includes(asking.carrier) ? asking.carrier : "other";
  const province = asking.province === "guangdong" ? "guangdong" : "other";
  return (
    one.site === address.site &&
    (one.carrier === null || one.carrier === carrier) &&
    (one.province === null || one.province === province) &&
    (one.port === null || one.port === address.port)
  );
}

test("no answer has an address that an entry masks, or another port than asked for, or a site that the carrier does not reach by choice", () => {
  const property = fc.property(someDocument, someUser, at, (document, asking, now) => {
    const router = new Router(document);
    const levels = router.levels(now);
    const { site: first, addresses, version } = router.answer(asking, levels);
    expect(version).toBe(3);
    const full = document.entries.filter((_, i) => levels[i] === 1);
    for (const address of addresses) {
      expect(full.filter((one) => masks(one, asking, address))).toEqual([]);
      if (asking.port !== null) expect(address.port).toBe(asking.port);
      if (address.site !== first && CARRIERS.includes(asking.carrier))
        expect(document.sites[address.site]!.carriers).toContain(asking.carrier);
    }
    expect(addresses[0]?.site ?? null).toBe(first);
    expect(new Set(addresses.map(({ url, site: of }) => `${of} ${url}`)).size).toBe(
      addresses.length,
    );
    expect(router.resolve(asking, levels)).toBe(first);
    // Nowhere to go only where all that it reaches is masked.
    if (first === null && levels.every((level) => level === 0 || level === 1)) {
      for (const [id, { carriers, addresses: all }] of Object.entries(document.sites)) {
        if (CARRIERS.includes(asking.carrier) && !carriers.includes(asking.carrier)) continue;
        for (const { port } of all) {
          if (asking.port !== null && asking.port !== port) continue;
          expect(full.some((one) => masks(one, asking, { site: id, port }))).toBe(true);
        }
      }
    }
  });
  fc.assert(property, { seed, numRuns: 1_500 });
});

test("the same user has the same answer at every dispatcher", () => {
  const property = fc.property(someDocument, someUser, at, (document, asking, now) => {
    const [one, other] = [new Router(document), new Router(structuredClone(document))];
    expect(one.answer(asking, one.levels(now))).toEqual(other.answer(asking, other.levels(now)));
  });
  fc.assert(property, { seed, numRuns: 300 });
});

test("the users of a site begin with each of its addresses in equal parts, whoever's port is blocked goes to the others", () => {
  const gateways = ["ws://one", "ws://two"];
  const addresses = gateways.flatMap((url) =>
    [80, 443].map((port) => ({ url: `${url}:${port}`, port })),
  );
  const document = threeSites();
  const sites = { ...document.sites, a: { ...document.sites["a"]!, addresses } };
  const begins = (entries: readonly Entry[], port: number | null) => {
    const router = new Router({ ...document, sites, entries });
    const counts = new Map<string, number>();
    for (let uid = 0; uid < 8_000; uid += 1) {
      const all = router.answer(user(uid, { port }), router.levels(1)).addresses;
      if (all[0]!.site !== "a") continue;
      counts.set(all[0]!.url, (counts.get(all[0]!.url) ?? 0) + 1);
      const own = all.filter((one) => one.site === "a");
      expect(own.length).toBe(new Set(own.map(({ url }) => url)).size);
      // Its other addresses come before those of other sites.
      expect(all.slice(0, own.length)).toEqual(own);
    }
    return counts;
  };
  const evenly = (counts: ReadonlyMap<string, number>, urls: readonly string[]) => {
    expect([...counts.keys()].toSorted()).toEqual(urls);
    const even = [...counts.values()].reduce((a, b) => a + b, 0) / urls.length;
    for (const count of counts.values())
      expect(Math.abs(count - even), urls.join()).toBeLessThan(0.1 * even);
  };
  evenly(begins([], null), ["ws://one:443", "ws://one:80", "ws://two:443", "ws://two:80"]);
  evenly(begins([], 80), ["ws://one:80", "ws://two:80"]);
  evenly(begins([entry({ id: "m", site: "a", port: 80 })], null), ["ws://one:443", "ws://two:443"]);
});

test("users whose site no entry is for stay where they are", () => {
  const property = fc.property(someDocument, someUser, at, (document, asking, now) => {
    const anyPort = { ...asking, port: null };
    const free = new Router({ ...document, entries: [] });
    const home = free.resolve(anyPort, []);
    const router = new Router({
      ...document,
      entries: document.entries.filter((one) => one.site !== home),
    });
    expect(router.resolve(anyPort, router.levels(now))).toBe(home);
  });
  fc.assert(property, { seed, numRuns: 300 });
});

/** How many of so many users each site gets. */
function shares(router: Router, now: number, users = 100_000): Record<string, number> {
  const levels = router.levels(now);
  const counts: Record<string, number> = {};
  for (let uid = 0; uid < users; uid += 1) {
    const found = router.resolve(user(uid), levels) ?? "nowhere";
    counts[found] = (counts[found] ?? 0) + 1 / users;
  }
  return counts;
}

const toBandC = [
  { carrier: "telecom", province: "other", map: cut([], fractions({ b: 0.8, c: 0.2 })) },
];

test("of 100,000 users of a masked site the others get the shares that the plan has", () => {
  const router = new Router(threeSites([entry({ id: "m1", site: "a", redirects: toBandC })]));
  const found = shares(router, 1);
  expect(Object.keys(found).toSorted()).toEqual(["b", "c"]);
  expect(Math.abs(found["b"]! - (0.3 + 0.5 * 0.8))).toBeLessThan(0.005);
  expect(Math.abs(found["c"]! - (0.2 + 0.5 * 0.2))).toBeLessThan(0.005);
});

test("users sent to a site that is masked then go on, in the shares of that entry", () => {
  const toC = [{ ...toBandC[0]!, map: cut([], fractions({ c: 1 })) }];
  const router = new Router(
    threeSites([
      entry({ id: "m1", site: "a", redirects: toBandC }),
      entry({ id: "m2", site: "b", redirects: toC }),
    ]),
  );
  expect(Object.keys(shares(router, 1, 10_000))).toEqual(["c"]);
});

test("an entry without redirects spreads its users evenly over what is left", () => {
  const found = shares(new Router(threeSites([entry({ id: "m1", site: "a" })])), 1);
  expect(Math.abs(found["b"]! - 0.55)).toBeLessThan(0.005);
  expect(Math.abs(found["c"]! - 0.45)).toBeLessThan(0.005);
});

test("after the expiry users come back step by step, nobody goes back and forth", () => {
  const masked = entry({ id: "m1", site: "a", redirects: toBandC });
  const router = new Router(threeSites([masked]));
  const users = Array.from({ length: 20_000 }, (_, uid) => user(uid));
  const home = users.filter((one) => router.resolve(one, [0]) === "a");
  let away = new Set(home);
  for (let step = 0; step <= 10; step += 1) {
    const levels = router.levels(DAY - 1 + step * masked.ramp.everyMs);
    const still = home.filter((one) => router.resolve(one, levels) !== "a");
    expect(still.every((one) => away.has(one))).toBe(true);
    expect(Math.abs(still.length / home.length - (1 - step / 10))).toBeLessThan(0.02);
    away = new Set(still);
  }
  expect(away.size).toBe(0);
});

test("an entry is for its carrier, its province and its port", () => {
  const base = cut([], fractions({ a: 1 }));
  const document = (one: Entry): PolicyDocument => ({
    v: 1,
    version: 1,
    sites: { a: site(CARRIERS, 80, 443), b: site(CARRIERS, 80, 443) },
    classes: [...classes, { carrier: "other", province: "other" }].map((of) => ({ ...of, base })),
    entries: [one],
  });
  const first = (one: Partial<Entry>, asking: Partial<User>) => {
    const router = new Router(document(entry({ id: "m1", site: "a", ...one })));
    const { addresses } = router.answer(user(7, asking), router.levels(1));
    const own = addresses.filter((address) => address.site === addresses[0]!.site);
    const ports = own.map(({ port }) => port).toSorted((x, y) => x - y);
    return `${own[0]!.site} ${ports.join(" ")}`;
  };
  expect(first({ carrier: "telecom" }, { carrier: "telecom" })).toBe("b 80 443");
  expect(first({ carrier: "telecom" }, { carrier: "unicom" })).toBe("a 80 443");
  expect(first({ carrier: "other" }, { carrier: "satellite" })).toBe("b 80 443");
  expect(first({ province: "guangdong" }, { province: "guangdong" })).toBe("b 80 443");
  expect(first({ province: "guangdong" }, { province: "hunan" })).toBe("a 80 443");
  expect(first({ province: "other" }, { province: "hunan" })).toBe("b 80 443");
  // A carrier that blocks one port: who can use the other one stays.
  expect(first({ port: 80 }, { port: 80 })).toBe("b 80");
  expect(first({ port: 80 }, { port: 443 })).toBe("a 443");
  expect(first({ port: 80 }, {})).toBe("a 443");
  expect(first({ port: 80, carrier: "telecom" }, { carrier: "unicom" })).toBe("a 80 443");
});

test("who is kept away by an entry of a mode is not by another mode, nor by entries of others", () => {
  const entries = [
    entry({ id: "m", site: "a" }),
    entry({ id: "s", site: "a", mode: "strong", carrier: "other", port: 443 }),
  ];
  const router = new Router(threeSites(entries));
  const isClosed = (asking: Partial<User>, at = "a", levels: readonly number[] = [1, 1]) =>
    router.isKeptAway(user(7, { port: 443, ...asking }), at, "strong", levels);
  expect(isClosed({ carrier: "satellite" })).toBe(true);
  expect(isClosed({ carrier: "satellite" }, "a", [1, 0])).toBe(false);
  expect(isClosed({ carrier: "satellite", port: 80 })).toBe(false);
  expect(isClosed({ carrier: "satellite" }, "b")).toBe(false);
  // Masked there, which is no reason to refuse one who comes all the same.
  expect(isClosed({})).toBe(false);
});
