import {
  clip,
  gaps,
  normalise,
  overlapOf,
  pieceAt,
  pile,
  touching,
  without,
  type Piece,
} from "../../keyspace/map.js";
import type { Segment } from "../../keyspace/segment.js";
import { liveReaders } from "../../routing/change.js";
import { sameSettings, type KeyspaceSettings } from "../../routing/settings.js";
import type { Reader } from "../../routing/table.js";
import type { ShardStep, TakeoverStep } from "../types.js";
import {
  copyOn,
  entriesOver,
  followerState,
  ModelBreach,
  primaryState,
  sameRoute,
  withCopies,
  withRoutes,
  type CopyState,
  type KeyspaceModel,
  type Model,
  type Route,
} from "./state.js";

/** The cluster after a step. Throws ModelBreach where an agent would refuse the step, or wait for ever, or should. */
export function applyStep(model: Model, step: ShardStep): Model {
  if (!("keyspace" in step) || step.kind === "gate") return model;
  return onKeyspace(model, step.keyspace, (keyspace) => {
    if (step.kind === "domain") return setDomain(keyspace, step.before, step.after);
    if (step.kind === "settings") return setSettings(keyspace, step.before, step.after);
    return step.segments.reduce((now, segment) => applyTo(now, step, segment), keyspace);
  });
}

type SegmentsStep = Extract<ShardStep, { readonly segments: readonly Segment[] }>;

function applyTo(keyspace: KeyspaceModel, step: SegmentsStep, segment: Segment): KeyspaceModel {
  switch (step.kind) {
    case "init":
      return become(keyspace, step.node, segment, step.shard);
    case "link":
      return link(keyspace, step.node, segment, step.source);
    case "sync":
      // Waits for entries, so nothing is cut.
      return entriesOver(keyspace, step.node, segment).reduce((now, entry) => {
        if (entry.value.source !== null) mustBeWhole(now, entry.value.source, entry);
        return change(now, step.node, entry, (copy) => ({ ...copy, whole: true, synced: true }));
      }, keyspace);
    case "verify":
      return change(keyspace, step.node, segment, (copy) => {
        if (copy.source === null) throw new ModelBreach(`${step.node} has no source there`);
        if (step.source !== undefined && step.source !== copy.source)
          throw new ModelBreach(`${step.node} follows ${copy.source}, not ${step.source}`);
        if (!copy.synced) throw new ModelBreach(`${step.node} is verified before it is in sync`);
        return { ...copy, verified: true };
      });
    case "repoint":
      return repoint(keyspace, step.node, segment, step.source);
    case "relabel":
      return relabel(keyspace, segment, step.shardBefore, step.shard);
    case "readers":
      return setReaders(keyspace, segment, step.after);
    case "takeover":
      return takeover(keyspace, { ...step, segment });
    case "drop":
      return drop(keyspace, step.node, segment);
    case "discard":
      return discard(keyspace, step.node, segment);
  }
}

export function onKeyspace(
  model: Model,
  id: string,
  to: (keyspace: KeyspaceModel) => KeyspaceModel,
): Model {
  const keyspace = model.get(id);
  if (!keyspace) throw new ModelBreach(`unknown keyspace ${id}`);
  return new Map(model).set(id, to(keyspace));
}

function become(
  keyspace: KeyspaceModel,
  node: string,
  segment: Segment,
  shard: string,
): KeyspaceModel {
  for (const [other, copies] of keyspace.copies) {
    if (clip(copies, segment).length > 0)
      throw new ModelBreach(`${node} would be a first primary, but ${other} has a copy`);
  }
  return withCopies(keyspace, node, segment, [{ ...segment, value: primaryState(shard) }]);
}

function link(
  keyspace: KeyspaceModel,
  node: string,
  segment: Segment,
  source: string,
): KeyspaceModel {
  if (clip(keyspace.copies.get(node) ?? [], segment).length > 0)
    throw new ModelBreach(`${node} already has a copy`);
  mustBeWhole(keyspace, source, segment);
  return withCopies(keyspace, node, segment, [{ ...segment, value: followerState(source) }]);
}

export function repoint(
  keyspace: KeyspaceModel,
  node: string,
  segment: Segment,
  source: string,
): KeyspaceModel {
  if (node === source) throw new ModelBreach(`${node} would follow itself`);
  mustBeWhole(keyspace, source, segment);
  return change(keyspace, node, segment, (copy) => {
    if (copy.role === "primary") throw new ModelBreach(`primary ${node} would follow ${source}`);
    return { ...copy, source, synced: false, verified: false };
  });
}

export function setReaders(
  keyspace: KeyspaceModel,
  segment: Segment,
  readers: readonly Reader[],
): KeyspaceModel {
  const live = liveReaders(readers);
  for (const { node } of live) mustBeWhole(keyspace, node, segment);
  const writers = [...keyspace.copies].flatMap(([node, copies]) =>
    clip(copies, segment)
      .filter((copy) => copy.value.role === "primary")
      .map(({ lo, hi, value }) => ({
        lo,
        hi,
        value: { writer: node, shard: value.shard ?? "", readers: live },
      })),
  );
  return withRoutes(keyspace, segment, writers);
}

/** Routes over another domain: what they covered stays, the rest is read from all copies that there are. */
export function setDomain(
  keyspace: KeyspaceModel,
  before: Segment | null,
  after: Segment | null,
): KeyspaceModel {
  const { domain, routes, copies } = keyspace;
  if (domain?.lo !== before?.lo || domain?.hi !== before?.hi)
    throw new ModelBreach("the routes cover another domain than the step says");
  if (after === null) return { ...keyspace, domain: null };
  const known = clip(routes, after);
  const holders = [...copies].flatMap(([node, map]) =>
    map.map(({ lo, hi, value }) => ({ lo, hi, value: { ...value, node } })),
  );
  const added = without(pile(holders), known).flatMap((piece): Piece<Route>[] => {
    const part = overlapOf(piece, after);
    const primary = piece.value.find(({ role }) => role === "primary");
    if (part === null || primary === undefined) return [];
    const readers = piece.value
      .filter(({ whole }) => whole)
      .map(({ node }) => ({ node, weight: 100 }));
    const value = { writer: primary.node, shard: primary.shard!, readers: liveReaders(readers) };
    return [{ ...part, value }];
  });
  return { ...keyspace, domain: after, routes: normalise([...known, ...added], sameRoute) };
}

/** Agents are told of settings by the routes, so there must be some. */
export function setSettings(
  keyspace: KeyspaceModel,
  before: KeyspaceSettings,
  after: KeyspaceSettings,
): KeyspaceModel {
  if (keyspace.domain === null) throw new ModelBreach("there are no routes to carry the settings");
  if (!sameSettings(keyspace.settings, before))
    throw new ModelBreach("the settings are others than the step says");
  return { ...keyspace, settings: after };
}

export function relabel(
  keyspace: KeyspaceModel,
  segment: Segment,
  from: string,
  to: string,
): KeyspaceModel {
  const routes = clip(keyspace.routes, segment);
  if (gaps(routes, segment).length > 0 || routes.some(({ value }) => value.shard !== from))
    throw new ModelBreach(`[${segment.lo}, ${segment.hi}) does not belong to shard ${from}`);
  const named = withRoutes(
    keyspace,
    segment,
    routes.map((piece) => ({ ...piece, value: { ...piece.value, shard: to } })),
  );
  return routes.reduce(
    (now, { lo, hi, value }) =>
      change(now, value.writer, { lo, hi }, (copy) => ({ ...copy, shard: to })),
    named,
  );
}

type Takeover = Pick<TakeoverStep, "node" | "from" | "shard"> & { readonly segment: Segment };

/** Only a follower of the writer itself, in sync and verified, takes over; the old writer then follows it, in sync. */
export function takeover(
  keyspace: KeyspaceModel,
  { segment, node, from, shard }: Takeover,
): KeyspaceModel {
  if (copyOn(keyspace, from, segment).some((copy) => copy.value.role !== "primary")) {
    throw new ModelBreach(`${node} would take over from ${from}, which is not the primary`);
  }
  for (const { value } of copyOn(keyspace, node, segment)) {
    if (value.source !== from)
      throw new ModelBreach(
        `${node} would take over from ${from} but follows ${value.source ?? "nobody"}`,
      );
    if (!value.synced || !value.verified)
      throw new ModelBreach(`${node} would take over before it is in sync and verified`);
  }
  const old: CopyState = {
    ...followerState(from),
    source: node,
    whole: true,
    synced: true,
    verified: true,
  };
  const handed = withCopies(keyspace, from, segment, [{ ...segment, value: old }]);
  const taken = withCopies(handed, node, segment, [{ ...segment, value: primaryState(shard) }]);
  return withRoutes(
    taken,
    segment,
    clip(taken.routes, segment).map((piece) => ({
      ...piece,
      value: { ...piece.value, writer: node, shard },
    })),
  );
}

/** Removes a copy that is no primary, that nobody is sent to, and that is not the only one as far as the node can see. */
export function drop(keyspace: KeyspaceModel, node: string, segment: Segment): KeyspaceModel {
  for (const copy of copyOn(keyspace, node, segment)) {
    if (copy.value.role === "primary") throw new ModelBreach(`primary ${node} would be dropped`);
    const writer = pieceAt(keyspace.routes, copy.lo)?.value.writer ?? null;
    const asked = [copy.value.source, writer].filter((other) => other !== null);
    if (!asked.some((other) => reigns(keyspace, other, copy)))
      throw new ModelBreach(`${node} would be dropped and knows of no primary`);
  }
  const read = touching(keyspace.routes, segment).some((route) =>
    route.value.readers.some((reader) => reader.node === node),
  );
  if (read && keyspace.domain !== null)
    throw new ModelBreach(`${node} would be dropped while it is read`);
  return withCopies(keyspace, node, segment, []);
}

/** Removes whatever the node holds, where nobody is sent any more. */
function discard(keyspace: KeyspaceModel, node: string, segment: Segment): KeyspaceModel {
  copyOn(keyspace, node, segment);
  if (keyspace.domain !== null && overlapOf(keyspace.domain, segment) !== null)
    throw new ModelBreach(`${node} would discard what the routes still cover`);
  return withCopies(keyspace, node, segment, []);
}

function change(
  keyspace: KeyspaceModel,
  node: string,
  segment: Segment,
  to: (copy: CopyState) => CopyState,
): KeyspaceModel {
  const pieces: Piece<CopyState>[] = copyOn(keyspace, node, segment).map((piece) => ({
    ...piece,
    value: to(piece.value),
  }));
  return withCopies(keyspace, node, segment, pieces);
}

function reigns({ copies }: KeyspaceModel, node: string, segment: Segment): boolean {
  const held = clip(copies.get(node) ?? [], segment);
  return gaps(held, segment).length === 0 && held.every((copy) => copy.value.role === "primary");
}

function mustBeWhole(keyspace: KeyspaceModel, node: string, segment: Segment): void {
  const whole = clip(keyspace.copies.get(node) ?? [], segment).filter((copy) => copy.value.whole);
  if (gaps(whole, segment).length > 0)
    throw new ModelBreach(`${node} has no whole copy of [${segment.lo}, ${segment.hi})`);
}
