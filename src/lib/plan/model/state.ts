import {
  clip,
  gaps,
  normalise,
  replace,
  touching,
  type Piece,
  type SegmentMap,
} from "../../keyspace/map.js";
import type { Segment } from "../../keyspace/segment.js";
import { sameReaders } from "../../routing/change.js";
import type { KeyspaceSettings } from "../../routing/settings.js";
import type { Reader } from "../../routing/table.js";
import type { Holding, PlanKeyspace } from "../types.js";

/** A cluster as far as plans go: who has which copy, in which condition, and what the routes say. */
export type Model = ReadonlyMap<string, KeyspaceModel>;

export interface KeyspaceModel {
  /** What the routes cover; null while there are none, or nobody is to go by them. */
  readonly domain: Segment | null;
  /** What the routes say, or will say once there are some. */
  readonly settings: KeyspaceSettings;
  /** By node: its entries. They are cut where a step is for a part of one, and never joined again. */
  readonly copies: ReadonlyMap<string, SegmentMap<CopyState>>;
  /** Kept when they are withdrawn. */
  readonly routes: SegmentMap<Route>;
}

export interface CopyState {
  readonly role: "primary" | "follower";
  /** The shard that a primary's entry belongs to; null for followers. */
  readonly shard: string | null;
  /** What a follower follows; null for primaries. */
  readonly source: string | null;
  /** May serve reads. */
  readonly whole: boolean;
  /** Both belong to the link to `source`: they are lost when it changes. */
  readonly synced: boolean;
  readonly verified: boolean;
}

export interface Route {
  readonly writer: string;
  readonly shard: string;
  /** Weights above 0 only, sorted by node. */
  readonly readers: readonly Reader[];
}

/** A plan did what no plan may do. */
export class ModelBreach extends Error {}

/**
 * The cluster before a plan, or after it: followers follow the primary, every copy is read. Entries are as wide as they can be:
 * what may be done with a part of one may be done with less.
 */
export function modelOf(keyspaces: readonly PlanKeyspace[], side: "before" | "after"): Model {
  return new Map(
    keyspaces.map(
      ({ id, domain, settings, ...holdings }) =>
        [id, keyspaceModel(domain[side], settings[side], holdings[side])] as const,
    ),
  );
}

function keyspaceModel(
  domain: Segment | null,
  settings: KeyspaceSettings,
  holdings: readonly Holding[],
): KeyspaceModel {
  const copies = new Map<string, Piece<CopyState>[]>();
  const routes: Piece<Route>[] = [];
  for (const { lo, hi, shard, primary, replicas } of holdings) {
    const add = (node: string, value: CopyState) => {
      const mine = copies.get(node);
      if (mine) mine.push({ lo, hi, value });
      else copies.set(node, [{ lo, hi, value }]);
    };
    add(primary, primaryState(shard));
    for (const node of replicas) add(node, { ...followerState(primary), whole: true });
    const readers = [primary, ...replicas].toSorted().map((node) => ({ node, weight: 100 }));
    routes.push({ lo, hi, value: { writer: primary, shard, readers } });
  }
  const joined = [...copies].map(([node, map]) => [node, normalise(map, sameCopy)] as const);
  const routed = domain === null ? [] : clip(normalise(routes, sameRoute), domain);
  return { domain, settings, copies: new Map(joined), routes: routed };
}

export function primaryState(shard: string): CopyState {
  return { role: "primary", shard, source: null, whole: true, synced: true, verified: true };
}

export function followerState(source: string): CopyState {
  return { role: "follower", shard: null, source, whole: false, synced: false, verified: false };
}

/** The node's copies within the segment, cut at its edges. Throws ModelBreach when they leave a part of it out. */
export function copyOn(
  keyspace: KeyspaceModel,
  node: string,
  segment: Segment,
): Piece<CopyState>[] {
  const copies = clip(keyspace.copies.get(node) ?? [], segment);
  if (gaps(copies, segment).length > 0)
    throw new ModelBreach(`${node} has no copy of all of [${segment.lo}, ${segment.hi})`);
  return copies;
}

/** The node's entries in which the segment lies, whole. Throws ModelBreach when they leave a part of it out. */
export function entriesOver(
  keyspace: KeyspaceModel,
  node: string,
  segment: Segment,
): readonly Piece<CopyState>[] {
  copyOn(keyspace, node, segment);
  return touching(keyspace.copies.get(node)!, segment);
}

/** Replaces the node's copies of the segment. */
export function withCopies(
  keyspace: KeyspaceModel,
  node: string,
  segment: Segment,
  pieces: SegmentMap<CopyState>,
): KeyspaceModel {
  const map = replace(keyspace.copies.get(node) ?? [], segment, pieces, () => false);
  return { ...keyspace, copies: new Map(keyspace.copies).set(node, map) };
}

/** Replaces the routes of the segment. */
export function withRoutes(
  keyspace: KeyspaceModel,
  segment: Segment,
  pieces: SegmentMap<Route>,
): KeyspaceModel {
  return { ...keyspace, routes: replace(keyspace.routes, segment, pieces, sameRoute) };
}

function sameCopy(a: CopyState, b: CopyState): boolean {
  return (
    a.role === b.role &&
    a.shard === b.shard &&
    a.source === b.source &&
    a.whole === b.whole &&
    a.synced === b.synced &&
    a.verified === b.verified
  );
}

export function sameRoute(a: Route, b: Route): boolean {
  return a.writer === b.writer && a.shard === b.shard && sameReaders(a.readers, b.readers);
}
