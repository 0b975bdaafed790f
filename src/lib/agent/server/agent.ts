import { randomUUID } from "node:crypto";
import { setMaxListeners } from "node:events";
import { mkdirSync } from "node:fs";
import type { AddressInfo } from "node:net";
import pino from "pino";
import { openEngine } from "../../engines/registry.js";
import { Peers } from "../client/peer.js";
import { AccessMap } from "./access-map.js";
import { AccessStats } from "./access-stats.js";
import { Acknowledgements } from "./acknowledgements.js";
import { AuthorityGate } from "./authority.js";
import type { AgentConfig } from "./config.js";
import { Data } from "./data/data.js";
import { Drops } from "./drops.js";
import { FollowerStreams } from "./follower-streams.js";
import { type Holding, Holdings } from "./holdings.js";
import { httpServer } from "./http/server.js";
import { Links } from "./links.js";
import { Metrics } from "./metrics.js";
import { Operations } from "./operations.js";
import { performer } from "./operations/index.js";
import { Ownership } from "./ownership.js";
import { Retention } from "./retention.js";
import { Routes } from "./routes.js";
import { SyncTraffic } from "./sync-traffic.js";
import { Timings } from "./timings.js";
import { Windows } from "./windows.js";

/** Longest wait for what runs to end by itself when the agent is stopped. */
const STOP_MS = 3_000;

export interface RunningAgent {
  readonly url: string;
  stop(): Promise<void>;
}

export interface AgentOptions {
  readonly version: string;
  /** Something on which safety rests has failed: the process must end at once. */
  readonly die: (error: unknown) => void;
}

/** Opens the node's store and serves it until `stop`. Throws `OpsError` when the store or the port cannot be had. */
export async function startAgent(
  config: AgentConfig,
  { version, die }: AgentOptions,
): Promise<RunningAgent> {
  const { node, dir } = config;
  mkdirSync(dir, { recursive: true });
  const logger = pino({ name: node, level: "info" }, pino.destination({ dest: 2, sync: true }));
  const engine = await openEngine(config.engine, dir, { onFatal: die });
  let url = "";
  const self = () => ({ node, url });
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
  const metrics = new Metrics(node, engine, holdings, traffic, acks);
  const onOutcome = (outcome: string) => metrics.takeovers.inc({ outcome });
  const windows = new Windows();
  const onBusy = ({ keyspace }: Holding) => windows.end(keyspace);
  const ownership = new Ownership({ self, engine, holdings, peers, urlOf, onOutcome, onBusy, die });
  const links = new Links({ self: node, engine, holdings, peers, ownership, timings, routes });
  const drops = new Drops(engine, die);
  const context = { self, engine, holdings, links, drops, ownership, peers, routes, timings };
  const operations = new Operations(engine, performer(context));
  await operations.recover(new Date().toISOString());
  const stopping = new AbortController();
  // Every request that waits listens to it.
  setMaxListeners(0, stopping.signal);
  const { app } = httpServer({
    ...context,
    version,
    dir,
    bootId: randomUUID(),
    retention,
    operations,
    authority: new AuthorityGate(engine),
    data: new Data({ self: node, engine, holdings, routes, stats, accesses, acks }),
    stats,
    accesses,
    acks,
    streams,
    metrics,
    windows,
    traffic,
    logger,
    stopping: stopping.signal,
  });
  await app.listen({ host: config.listen.host, port: config.listen.port });
  url = `http://${hostOf(config.listen.host)}:${(app.server.address() as AddressInfo).port}`;
  drops.resume();
  ownership.recover();
  links.reconcile();
  logger.info({ url, dir }, "the agent serves");

  return {
    url,
    async stop() {
      stopping.abort();
      links.close();
      acks.close();
      await app.close();
      await within(operations.close());
      await drops.close();
      ownership.close();
      retention.close();
      await peers.close();
      await engine.close();
    },
  };
}

function hostOf(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

async function within(work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const enough = new Promise<void>((resolve) => (timer = setTimeout(resolve, STOP_MS)));
  await Promise.race([work, enough]).finally(() => clearTimeout(timer));
}
