import { Peers } from "../../client/peer.js";
import { AccessMap } from "../access-map.js";
import { AccessStats } from "../access-stats.js";
import { Acknowledgements } from "../acknowledgements.js";
import type { DataConfig } from "../config.js";
import { Data } from "../data/data.js";
import { DataMetrics } from "../data-metrics.js";
import { Drops } from "../drops.js";
import { FollowerStreams } from "../follower-streams.js";
import { type Holding, Holdings } from "../holdings.js";
import { dataGroups } from "../http/groups.js";
import { Links } from "../links.js";
import { Operations } from "../operations.js";
import { KINDS, performer } from "../operations/index.js";
import { Ownership } from "../ownership.js";
import { Retention } from "../retention.js";
import { Routes } from "../routes.js";
import { dataStatus } from "../status.js";
import { SyncTraffic } from "../sync-traffic.js";
import { Timings } from "../timings.js";
import { Windows } from "../windows.js";
import type { Base, Role } from "./role.js";

/** An agent that holds segments of keyspaces. */
export function dataRole(base: Base, config: DataConfig): Role {
  const { self, engine, die } = base;
  const { node } = config;
  const peers = new Peers();
  const timings = new Timings();
  const holdings = new Holdings(engine);
  const routes = new Routes(engine);
  const stats = new AccessStats();
  const accesses = new AccessMap(performance.now());
  const retention = new Retention(engine, config.log.maxBytes, die);
  const urlOf = (other: string) => routes.urlOf(other);
  const traffic = new SyncTraffic((keyspace, other) => routes.regionOf(keyspace, other));
  const streams = new FollowerStreams();
  const onEnd = (keyspace: string, ms: number, acknowledged: boolean) =>
    metrics.ackWaits.observe({ keyspace, acknowledged: String(acknowledged) }, ms / 1000);
  const acks = new Acknowledgements({ self: node, holdings, routes, streams, onEnd });
  const metrics = new DataMetrics(base.metrics, engine, holdings, traffic, acks);
  const onOutcome = (outcome: string) => metrics.takeovers.inc({ outcome });
  const windows = new Windows();
  const onBusy = ({ keyspace }: Holding) => windows.end(keyspace);
  const ownership = new Ownership({ self, engine, holdings, peers, urlOf, onOutcome, onBusy, die });
  const links = new Links({ self: node, engine, holdings, peers, ownership, timings, routes });
  const drops = new Drops(engine, die);
  const context = { self, engine, holdings, links, drops, ownership, peers, routes, timings };
  const services = {
    ...base,
    ...context,
    retention,
    data: new Data({ self: node, engine, holdings, routes, stats, accesses, acks }),
    stats,
    accesses,
    acks,
    streams,
    windows,
    traffic,
  };
  return {
    kind: "data",
    groups: dataGroups(services),
    operations: new Operations(engine, performer(context)),
    kinds: KINDS,
    readiness() {
      const waiting = holdings
        .all()
        .filter(({ link, entry }) => entry.link !== null && link.phase === "disconnected");
      return { disconnectedLinks: waiting.length };
    },
    status: () => dataStatus(services),
    catchUp: async () => undefined,
    begin() {
      drops.resume();
      ownership.recover();
      links.reconcile();
    },
    release() {
      links.close();
      acks.close();
    },
    async close() {
      await drops.close();
      ownership.close();
      retention.close();
      await peers.close();
    },
  };
}
