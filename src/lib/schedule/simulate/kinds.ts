import type { Entry, PolicyClass, PolicyDocument } from "../../policy/document.js";
import { fractionsOf } from "../../policy/fractions.js";
import { overlapOf } from "../../keyspace/map.js";
import type { UserClass } from "../types.js";

/** Users whom the policy treats alike at every time: where they belong, where they are sent from there, and how soon they come back. */
export interface Kind {
  readonly carrier: string;
  readonly province: string;
  readonly users: number;
  readonly home: string;
  /** What may keep them away from there. */
  readonly away: Away | null;
}

interface Away {
  readonly entry: string;
  /** Null where no site is left for them. */
  readonly to: string | null;
  /** They are kept away while the entry's level is above it. */
  readonly above: number;
}

/** Names the other fractions of a plan where entries have their ids. */
export const RECUT = "fractions";

/** Those whom other fractions move: for policies that keep nobody away. */
export function recutKinds(
  before: readonly PolicyClass[],
  after: readonly PolicyClass[],
  users: readonly UserClass[],
): Kind[] {
  return users.flatMap(({ carrier, province, users: n }): Kind[] => {
    const isOf = (one: PolicyClass) => one.carrier === carrier && one.province === province;
    const [old, now] = [before, after].map((classes) => classes.find(isOf)?.base ?? []);
    const shares = new Map<string, { home: string; to: string; share: number }>();
    for (const a of old!)
      for (const b of now!) {
        const both = overlapOf(a, b);
        if (both === null) continue;
        const key = JSON.stringify([a.value, b.value]);
        const share = (shares.get(key)?.share ?? 0) + Number(both.hi - both.lo) / 2 ** 64;
        shares.set(key, { home: a.value, to: b.value, share });
      }
    return [...shares.values()].map(({ home, to, share }) => ({
      carrier,
      province,
      users: n * share,
      home,
      away: home === to ? null : { entry: RECUT, to, above: 0 },
    }));
  });
}

/**
 * By the policy with every entry that is ever in force; of a site and class only the first entry counts. Nobody looks at them after
 * `until`, ms since 1970.
 */
export function kindsOf(
  { classes, entries, sites }: PolicyDocument,
  users: readonly UserClass[],
  until: number,
): Kind[] {
  return users.flatMap(({ carrier, province, users: n }): Kind[] => {
    const of = classes.find((one) => one.carrier === carrier && one.province === province);
    return [...fractionsOf(of?.base ?? [])].flatMap(([home, share]): Kind[] => {
      const who = { carrier, province, home };
      const entry = entries.find(
        (one) =>
          one.site === home &&
          (one.carrier ?? carrier) === carrier &&
          (one.province ?? province) === province,
      );
      if (entry === undefined) return [{ ...who, users: n * share, away: null }];
      return awayOf(entry, of!, sites, entries).flatMap(([to, part]) =>
        steps(entry, until).map((above, _, { length }): Kind => ({
          ...who,
          users: (n * share * part) / length,
          away: { entry: entry.id, to, above },
        })),
      );
    });
  });
}

/** Those who come back with the same step of the ramp. */
function steps({ ramp: { step }, expires }: Entry, until: number): number[] {
  const count = until < expires ? 1 : Math.ceil(1 / step);
  return Array.from({ length: count }, (_, i) => (i + 0.5) / count);
}

function awayOf(
  entry: Entry,
  { carrier, province }: PolicyClass,
  sites: PolicyDocument["sites"],
  entries: readonly Entry[],
): (readonly [to: string | null, share: number])[] {
  const own = entry.redirects.find((one) => one.carrier === carrier && one.province === province);
  if (own !== undefined) return [...fractionsOf(own.map)];
  const bound = Object.values(sites).some(({ carriers }) => carriers.includes(carrier));
  const left = Object.entries(sites).filter(
    ([id, site]) =>
      (!bound || site.carriers.includes(carrier)) && entries.every((one) => one.site !== id),
  );
  return left.length === 0 ? [[null, 1]] : left.map(([id]) => [id, 1 / left.length]);
}
