import fc from "fast-check";
import type { Closure, Limit, Problem, Site, UserClass } from "../../src/lib/schedule/types.js";

/** Small problems of whole users. With `crossing`, a line limits two sites of an idc together: then the best may be fractions. */
export function anyProblem({ crossing }: { readonly crossing: boolean }): fc.Arbitrary<Problem> {
  const carriers = ["c0", "c1"] as const;
  const sites = ["s0", "s1", "s2"] as const;
  const idcOf = (i: number) => (crossing && i < 2 ? "i0" : `i${i}`);
  const anySite = fc.record({
    carriers: fc.subarray([...carriers], { minLength: 1 }),
    logins: fc.constantFrom(0, 1, 2, 3),
    room: fc.nat({ max: 4 }),
    soft: fc.nat({ max: 4 }),
  });
  const anyClass = fc.record({
    carrier: fc.constantFrom(...carriers, "other"),
    province: fc.constantFrom("p0", "p1"),
    site: fc.constantFrom(...sites, null),
    users: fc.nat({ max: 2 }),
  });
  const anyLine = fc.record({
    idc: fc.constantFrom(...new Set(sites.map((_, i) => idcOf(i)))),
    carrier: fc.constantFrom(...carriers),
    users: fc.nat({ max: 3 }),
    soft: fc.nat({ max: 3 }),
  });
  return fc
    .record({
      sites: fc.array(anySite, { minLength: 3, maxLength: 3 }),
      classes: fc.array(anyClass, { minLength: 1, maxLength: 3 }),
      lines: fc.array(anyLine, { maxLength: 3 }),
      layer: fc.option(fc.record({ users: fc.nat({ max: 5 }), soft: fc.nat({ max: 5 }) })),
      closed: fc.array(
        fc.record({
          site: fc.constantFrom(...sites),
          carrier: fc.constantFrom(null, ...carriers),
          province: fc.constantFrom(null, "p0"),
        }),
        { maxLength: 2 },
      ),
      costs: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 12, maxLength: 12 }),
      moves: fc.constantFrom(null, null, 0, 1, 2, 5),
      tolls: fc.array(fc.nat({ max: 2 }), { minLength: 3, maxLength: 3 }),
    })
    .map(({ costs, closed, moves, tolls, classes, ...parts }): Problem => ({
      sites: parts.sites.map(({ logins, carriers: reached }, i): Site => ({
        id: sites[i]!,
        idc: idcOf(i),
        region: "r",
        loginsPerSecond: logins,
        carriers: reached,
      })),
      limits: [
        ...parts.sites.map(({ room, soft }, i) => limit([sites[i]!], null, room, soft)),
        ...parts.lines.map(({ idc, carrier, users, soft }) => {
          const ids = sites.filter((_, i) => idcOf(i) === idc);
          return limit(ids, carrier, users, soft);
        }),
        ...(parts.layer ? [limit(["s0", "s1"], null, parts.layer.users, parts.layer.soft)] : []),
      ],
      classes: classes satisfies readonly UserClass[],
      closed: closed satisfies readonly Closure[],
      costs: (carrier, province) => {
        const row = ["other", "c0", "c1"].indexOf(carrier) + (province === "p0" ? 1 : 0);
        return costs.slice(3 * row, 3 * row + 3);
      },
      moves: moves === null ? null : { most: moves, tolls: () => tolls },
    }));
}

function limit(
  sites: readonly string[],
  carrier: string | null,
  users: number,
  soft: number,
): Limit {
  return { what: "room", sites, carrier, users, soft: Math.min(users, soft) };
}
