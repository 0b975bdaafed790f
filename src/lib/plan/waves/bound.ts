import type { Limits, Work } from "./work.js";

/** A time that no schedule can be shorter than, and what does not let it. */
export interface Bound {
  readonly seconds: number;
  readonly because: string;
}

/** The highest of what each limit needs by itself, waves or not. See docs/planning.md for the proofs. */
export function bound(works: readonly Work[], limits: Limits): Bound {
  const apart = [...byOnlyThing(works)].map(([scope, groups]): Bound => {
    const seconds = [...groups.values()].map((group) => boundOfLimits(group, limits).seconds);
    return { seconds: sum(seconds), because: `${scope}: ${nameOf(scope)} one after the other` };
  });
  return highest([boundOfLimits(works, limits), ...apart]);
}

function boundOfLimits(works: readonly Work[], { perNode, total }: Limits): Bound {
  const nodes = new Map<string, number>();
  const shared = new Map<string, number>();
  for (const { ends, seconds, shares } of works) {
    for (const end of ends) nodes.set(end, (nodes.get(end) ?? 0) + seconds);
    for (const share of shares) shared.set(share.of, (shared.get(share.of) ?? 0) + share.seconds);
  }
  const seconds = works.map((work) => work.seconds);
  return highest([
    { seconds: Math.max(0, ...seconds), because: "the longest copy" },
    { seconds: sum(seconds) / total, because: `${total} at once in all` },
    ...[...nodes].map(([node, busy]) => ({ seconds: busy / perNode, because: `node ${node}` })),
    ...[...shared].map(([because, busy]) => ({ seconds: busy, because })),
  ]);
}

/** By scope, the works that put one thing of it at risk, by that thing: those of two things are never done at once. */
function byOnlyThing(works: readonly Work[]): Map<string, Map<string, Work[]>> {
  const scopes = new Map<string, Map<string, Work[]>>();
  for (const work of works) {
    for (const [scope, things] of work.risks) {
      const [thing, ...others] = things;
      if (thing === undefined || others.length > 0) continue;
      const groups = scopes.get(scope) ?? new Map<string, Work[]>();
      scopes.set(scope, groups);
      const group = groups.get(thing);
      if (group) group.push(work);
      else groups.set(thing, [work]);
    }
  }
  return scopes;
}

function nameOf(scope: string): string {
  return scope.startsWith("region ") ? "its sets" : "its copies";
}

function highest(bounds: readonly Bound[]): Bound {
  return bounds.reduce((a, b) => (b.seconds > a.seconds ? b : a));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0);
}
