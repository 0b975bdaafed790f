import { difference, type Piece } from "../keyspace/map.js";
import type { Segment } from "../keyspace/segment.js";
import { changedFields, type FieldChange } from "./diff-fields.js";
import type {
  Demand,
  Keyspace,
  Node,
  Policy,
  RegionLink,
  Share,
  Shard,
  Topology,
} from "./types.js";

/** One difference between two topologies, in the words of operators. JSON once bigints are decimal strings. */
export type TopologyChange =
  | { readonly kind: "name"; readonly before: string; readonly after: string }
  | {
      readonly kind: "added" | "removed";
      readonly what: Thing;
      readonly id: string;
      readonly detail: string;
    }
  | {
      readonly kind: "changed";
      readonly what: Thing | "demand" | "policy";
      readonly id: string;
      readonly fields: readonly FieldChange[];
    }
  /** The segment belongs to another shard. Null for none: the domain grew or shrank. */
  | {
      readonly kind: "segment-moved";
      readonly keyspace: string;
      readonly segment: Segment;
      readonly before: string | null;
      readonly after: string | null;
    }
  | ({ readonly kind: "shard-added" | "shard-removed" } & ShardCopies)
  | {
      readonly kind: "primary-changed";
      readonly keyspace: string;
      readonly shard: string;
      readonly before: string;
      readonly after: string;
    }
  /** Of the load of the keyspace, 0..1; null where it follows from the positions. */
  | {
      readonly kind: "share-changed";
      readonly keyspace: string;
      readonly shard: string;
      readonly before: number | null;
      readonly after: number | null;
    }
  | {
      readonly kind: "replica-added" | "replica-removed";
      readonly keyspace: string;
      readonly shard: string;
      readonly node: string;
    };

type Thing = "region" | "idc" | "set" | "node" | "keyspace" | "link";

interface ShardCopies {
  readonly keyspace: string;
  readonly shard: string;
  readonly primary: string;
  readonly replicas: readonly string[];
}

/** What changes from one topology to another, in the order: name, places, nodes, keyspaces, demand, links, policy. Order in the file is no difference. */
export function diffTopologies(before: Topology, after: Topology): TopologyChange[] {
  return [
    ...(before.name === after.name
      ? []
      : [{ kind: "name" as const, before: before.name, after: after.name }]),
    ...things("region", before.regions, after.regions, () => ""),
    ...things("idc", before.idcs, after.idcs, (idc) => `in ${idc.region}`),
    ...things("set", before.sets, after.sets, (set) => `in ${set.idc} (${set.region})`),
    ...things("node", before.nodes, after.nodes, placeOf),
    ...keyspaces(before.keyspaces, after.keyspaces),
    ...changed("demand", "demand", demandFields(before.demand), demandFields(after.demand)),
    ...things("link", before.links.map(named), after.links.map(named), () => ""),
    ...changed("policy", "policy", policyFields(before.policy), policyFields(after.policy)),
  ];
}

function placeOf(node: Node): string {
  return `${node.layer} of ${node.set} (${node.region})`;
}

/** By carrier and layer, so that each is a field of its own. */
function demandFields(demand: Demand | null): object {
  if (!demand) return { carriers: {}, provinces: {}, perUser: { access: {}, logic: {}, data: {} } };
  const { carriers, provinces, perUser, ...rest } = demand;
  return {
    ...said(rest),
    carriers: byId(carriers),
    provinces: byId(provinces),
    perUser: {
      access: said(perUser.access),
      logic: said(perUser.logic),
      data: said(perUser.data),
    },
  };
}

function byId(shares: readonly Share[]): object {
  return Object.fromEntries(shares.map(({ id, share }) => [id, share])) as object;
}

/** Without the fields that stand for nothing said. */
function said(fields: object): object {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== 0 && value !== null),
  );
}

/** By rule, so that each is a field of its own. */
function policyFields({ rules, ...rest }: Policy): object {
  const texts = rules.map(({ rule, severity, reason }) => [rule, `${severity}: ${reason}`]);
  return { ...rest, rules: Object.fromEntries(texts) as object };
}

function named({ between, bitsPerSecond }: RegionLink) {
  return { id: between.toSorted().join(" - "), bitsPerSecond };
}

function things<T extends { readonly id: string }>(
  what: Thing,
  before: readonly T[],
  after: readonly T[],
  detail: (thing: T) => string,
): TopologyChange[] {
  return pairs(before, after).flatMap(([old, now]): TopologyChange[] => {
    if (!old) return [{ kind: "added", what, id: now!.id, detail: detail(now!) }];
    if (!now) return [{ kind: "removed", what, id: old.id, detail: detail(old) }];
    return changed(what, old.id, old, now);
  });
}

function changed(
  what: Thing | "demand" | "policy",
  id: string,
  before: object,
  after: object,
): TopologyChange[] {
  const fields = changedFields(before, after);
  return fields.length === 0 ? [] : [{ kind: "changed", what, id, fields }];
}

function keyspaces(before: readonly Keyspace[], after: readonly Keyspace[]): TopologyChange[] {
  return pairs(before, after).flatMap(([old, now]): TopologyChange[] => {
    const keyspace = (now ?? old)!.id;
    const own: TopologyChange[] = [];
    if (!old) own.push({ kind: "added", what: "keyspace", id: keyspace, detail: kindOf(now!) });
    else if (!now)
      own.push({ kind: "removed", what: "keyspace", id: keyspace, detail: kindOf(old) });
    else own.push(...changed("keyspace", keyspace, keyspaceFields(old), keyspaceFields(now)));
    const moved = difference(owners(old), owners(now)).map(({ lo, hi, value }): TopologyChange => ({
      kind: "segment-moved",
      keyspace,
      segment: { lo, hi },
      ...value,
    }));
    return [...own, ...shards(keyspace, old?.shards ?? [], now?.shards ?? []), ...moved];
  });
}

function keyspaceFields(keyspace: Keyspace): object {
  return { ...keyspace, shards: null, load: said(keyspace.load ?? {}) };
}

function kindOf(keyspace: Keyspace): string {
  return `${keyspace.class}, ${keyspace.sync}, ${keyspace.sharding}`;
}

function shards(
  keyspace: string,
  before: readonly Shard[],
  after: readonly Shard[],
): TopologyChange[] {
  return pairs(before, after).flatMap(([old, now]): TopologyChange[] => {
    const shard = (now ?? old)!.id;
    if (!old || !now) {
      const { primary, replicas } = (now ?? old)!;
      return [{ kind: now ? "shard-added" : "shard-removed", keyspace, shard, primary, replicas }];
    }
    const changes: TopologyChange[] = [];
    if (old.share !== now.share) {
      changes.push({
        kind: "share-changed",
        keyspace,
        shard,
        before: old.share ?? null,
        after: now.share ?? null,
      });
    }
    if (old.primary !== now.primary) {
      changes.push({
        kind: "primary-changed",
        keyspace,
        shard,
        before: old.primary,
        after: now.primary,
      });
    }
    for (const node of now.replicas) {
      if (!old.replicas.includes(node))
        changes.push({ kind: "replica-added", keyspace, shard, node });
    }
    for (const node of old.replicas) {
      if (!now.replicas.includes(node))
        changes.push({ kind: "replica-removed", keyspace, shard, node });
    }
    return changes;
  });
}

/** Which shard owns what, sorted. */
function owners(keyspace: Keyspace | undefined): Piece<string>[] {
  return (keyspace?.shards ?? [])
    .flatMap(({ id, segments }) => segments.map(({ lo, hi }) => ({ lo, hi, value: id })))
    .toSorted((a, b) => (a.lo < b.lo ? -1 : 1));
}

/** Things of the same id together: those of before in their order, then the new ones. */
function pairs<T extends { readonly id: string }>(
  before: readonly T[],
  after: readonly T[],
): (readonly [T | undefined, T | undefined])[] {
  const old = new Map(before.map((thing) => [thing.id, thing]));
  const now = new Map(after.map((thing) => [thing.id, thing]));
  return [
    ...before.map((thing) => [thing, now.get(thing.id)] as const),
    ...after.filter((thing) => !old.has(thing.id)).map((thing) => [undefined, thing] as const),
  ];
}
