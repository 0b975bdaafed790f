import { statfs } from "node:fs/promises";
import { freemem } from "node:os";
import { readable } from "../../ownership/copy.js";
import { knownGeneration, ORIGIN } from "../../ownership/position.js";
import type { EntryStatus, LinkStatus, NodeStatus } from "../protocol/node.js";
import { type Holding, isUntouched } from "./holdings.js";
import type { Services } from "./http/context.js";
import type { Base, Role, RoleStatus } from "./roles/role.js";

/** `GET /v1/node`. */
export async function nodeStatusOf(base: Base, role: Role): Promise<NodeStatus> {
  const { self, engine, authority, version, bootId, dir } = base;
  const { node, url } = self();
  const disk = await statfs(dir);
  return {
    v: 1,
    node,
    role: role.kind,
    url,
    version,
    engine: engine.kind,
    bootId,
    uptimeMs: Math.round(performance.now()),
    lineage: authority.lineage(),
    lineageChanges: authority.lineageChanges(),
    epochs: authority.epochs(),
    store: {
      bytes: engine.describe().bytes,
      diskFreeBytes: disk.bavail * disk.bsize,
      memoryFreeBytes: freemem(),
    },
    ...role.status(),
  };
}

/** What only an agent tells that holds data. */
export function dataStatus(services: Services): RoleStatus {
  const { engine, holdings, retention, routes } = services;
  const log = engine.log();
  return {
    log: { ...log, maxBytes: retention.maxBytes },
    entries: holdings.all().map((holding) => entryStatus(services, holding)),
    dropping: engine.drops().map(({ keyspace, lo, hi }) => ({ keyspace, lo, hi })),
    // A hold with a third part is of a copy under way: the copying node shows that.
    followers: retention.followers().flatMap(({ id, through }) => {
      const [follower = id, keyspace = "", copy] = id.split("/");
      const lagIndexes = log.last > through ? log.last - through : 0n;
      return copy === undefined ? [{ node: follower, keyspace, lagIndexes }] : [];
    }),
    sync: services.traffic.all(),
    routes: Object.fromEntries(routes.all().map(({ keyspace, version: at }) => [keyspace, at])),
    policy: null,
    access: null,
  };
}

function entryStatus({ engine }: Services, holding: Holding): EntryStatus {
  const { keyspace, lo, hi, entry, state } = holding;
  const stored = engine.cursor(keyspace, lo);
  const cursor = stored ?? ORIGIN;
  const { durable, phase } = state;
  return {
    keyspace,
    lo,
    hi,
    role: durable.role,
    phase: phase.kind,
    generation: knownGeneration(durable, cursor),
    cursor,
    untouched: isUntouched(entry, stored),
    readable: entry.link === null || readable(entry.link.copy, cursor),
    source: entry.link?.source ?? null,
    link: entry.link === null ? null : linkStatus(holding),
    handed:
      durable.handed === null
        ? null
        : { to: durable.handed.to, generation: durable.handed.generation },
  };
}

function linkStatus({ entry, link }: Holding): LinkStatus {
  const stored = entry.link!;
  const copying = link.phase === "copying";
  return {
    id: stored.id,
    purpose: stored.purpose,
    phase: link.phase,
    rows: link.rows,
    bytes: link.bytes,
    bytesPerSecond: copying ? link.bytesPerSecond : 0,
    lagMs: link.lagMs(),
    heldMs: link.heldMs,
    verified: stored.verified,
    restarts: link.restarts,
    throttle: copying
      ? { ...link.throttle }
      : { bytesPerSecond: stored.bytesPerSecond, reason: "none" },
    error: link.error,
    since: Math.round(performance.now() - link.phaseSince),
  };
}
