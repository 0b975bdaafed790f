import {
  clip,
  gaps,
  normalise,
  overlapOf,
  overlaps,
  pieceAt,
  pile,
  subtract,
  type Piece,
} from "../../keyspace/map.js";
import type { Segment } from "../../keyspace/segment.js";
import { sameSettings } from "../../routing/settings.js";
import { formatSegment } from "../../keyspace/wire.js";
import { sameOwner, type Owner } from "../holdings.js";
import { compareText } from "../order.js";
import { ModelBreach, sameRoute, type KeyspaceModel, type Model, type Route } from "./state.js";

/**
 * What must hold after every wave: at most one primary for a position, and exactly one where the routes lead; the routes
 * cover their domain, name the primary as writer and only whole copies as readers; every follower follows a copy, and in the end
 * the primary. All of it is said of single positions, so a model of some of them, `within`, is judged by itself. Throws ModelBreach.
 */
export function assertInvariants(model: Model, within?: readonly Segment[]): void {
  for (const [id, keyspace] of model) {
    const breach = (message: string) => new ModelBreach(`keyspace ${id}: ${message}`);
    const primaries = [...keyspace.copies].flatMap(([node, copies]) =>
      copies
        .filter((copy) => copy.value.role === "primary")
        .map(({ lo, hi }) => ({ lo, hi, value: node })),
    );
    const [twice] = overlaps(primaries);
    if (twice) throw breach(`two primaries of ${formatSegment(twice)}`);
    if (keyspace.domain !== null) {
      const { domain } = keyspace;
      const covered = within?.flatMap((part) => overlapOf(part, domain) ?? []) ?? [domain];
      const [gap] = subtract(covered, primaries);
      if (gap) throw breach(`no primary of ${formatSegment(gap)}`);
      assertRoutes(keyspace, domain, covered, breach);
    }
    assertFollowers(keyspace, breach);
  }
}

function assertRoutes(
  { routes, copies }: KeyspaceModel,
  domain: Segment,
  covered: readonly Segment[],
  breach: (message: string) => ModelBreach,
): void {
  const [gap] = subtract(covered, routes);
  if (gap) throw breach(`no route for ${formatSegment(gap)}`);
  const [outside] = subtract(routes, [domain]);
  if (outside) throw breach(`a route for ${formatSegment(outside)}, outside of the domain`);
  for (const route of routes) {
    const writer = clip(copies.get(route.value.writer) ?? [], route);
    if (gaps(writer, route).length > 0 || writer.some((copy) => copy.value.role !== "primary")) {
      throw breach(
        `writes of ${formatSegment(route)} go to ${route.value.writer}, which is not its primary`,
      );
    }
    for (const { node } of route.value.readers) {
      const whole = clip(copies.get(node) ?? [], route).filter((copy) => copy.value.whole);
      if (gaps(whole, route).length > 0)
        throw breach(`reads of ${formatSegment(route)} go to ${node}, which has no whole copy`);
    }
  }
}

function assertFollowers(
  { copies }: KeyspaceModel,
  breach: (message: string) => ModelBreach,
): void {
  const all = [...copies].flatMap(([node, map]) =>
    map.map(({ lo, hi }) => ({ lo, hi, value: node })),
  );
  for (const { lo, value: nodes } of pile(all)) {
    for (const start of nodes) {
      let node = start;
      for (let hops = 0; ; hops += 1) {
        const copy = pieceAt(copies.get(node) ?? [], lo);
        if (!copy) throw breach(`${start} follows ${node}, which has no copy at ${lo}`);
        if (copy.value.source === null) break;
        if (hops > nodes.length) throw breach(`${start} follows in a circle at ${lo}`);
        node = copy.value.source;
      }
    }
  }
}

/** What differs between two clusters, leaving out the condition of links; empty when they are the same to a plan. */
export function differences(a: Model, b: Model): string[] {
  return [...new Set([...a.keys(), ...b.keys()])].flatMap((id) => {
    const left = a.get(id);
    const right = b.get(id);
    if (!left || !right) return [`keyspace ${id} is on one side only`];
    const out: string[] = [];
    if (!same(ownersIn(left), ownersIn(right), sameOwner))
      out.push(`keyspace ${id}: other holders`);
    if (!sameSettings(left.settings, right.settings)) out.push(`keyspace ${id}: other settings`);
    if (!same(routesIn(left), routesIn(right), sameRoute)) out.push(`keyspace ${id}: other routes`);
    return out;
  });
}

function routesIn({ domain, routes }: KeyspaceModel): Piece<Route>[] {
  return domain === null ? [] : normalise(routes, sameRoute);
}

function ownersIn({ copies }: KeyspaceModel): { lo: bigint; hi: bigint; value: Owner }[] {
  const all = [...copies].flatMap(([node, map]) =>
    map.map(({ lo, hi, value }) => ({ lo, hi, value: { node, shard: value.shard } })),
  );
  const owners = pile(all).map(({ lo, hi, value }) => {
    const primary = value.find((copy) => copy.shard !== null);
    const replicas = value.filter((copy) => copy.shard === null).map((copy) => copy.node);
    return {
      lo,
      hi,
      value: {
        shard: primary?.shard ?? "",
        primary: primary?.node ?? "",
        replicas: replicas.toSorted(compareText),
      },
    };
  });
  return normalise(owners, sameOwner);
}

function same<T>(
  a: readonly { lo: bigint; hi: bigint; value: T }[],
  b: readonly { lo: bigint; hi: bigint; value: T }[],
  equal: (x: T, y: T) => boolean,
): boolean {
  return (
    a.length === b.length &&
    a.every(
      (piece, i) =>
        piece.lo === b[i]!.lo && piece.hi === b[i]!.hi && equal(piece.value, b[i]!.value),
    )
  );
}
