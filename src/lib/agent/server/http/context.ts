import type { Logger } from "pino";
import type { Engine } from "../../../engines/contract.js";
import type { Peers } from "../../client/peer.js";
import type { NodeRef } from "../../protocol/json.js";
import type { AccessMap } from "../access-map.js";
import type { AccessStats } from "../access-stats.js";
import type { Acknowledgements } from "../acknowledgements.js";
import type { AuthorityGate } from "../authority.js";
import type { Data } from "../data/data.js";
import type { FollowerStreams } from "../follower-streams.js";
import type { Holdings } from "../holdings.js";
import type { Links } from "../links.js";
import type { Metrics } from "../metrics.js";
import type { Operations } from "../operations.js";
import type { Ownership } from "../ownership.js";
import type { Retention } from "../retention.js";
import type { Routes } from "../routes.js";
import type { SyncTraffic } from "../sync-traffic.js";
import type { Windows } from "../windows.js";

/** What the HTTP routes answer from. */
export interface Services {
  readonly self: () => NodeRef;
  readonly version: string;
  readonly dir: string;
  readonly bootId: string;
  readonly engine: Engine;
  readonly holdings: Holdings;
  readonly links: Links;
  readonly ownership: Ownership;
  readonly peers: Peers;
  readonly retention: Retention;
  readonly routes: Routes;
  readonly operations: Operations;
  readonly authority: AuthorityGate;
  readonly data: Data;
  readonly acks: Acknowledgements;
  readonly streams: FollowerStreams;
  readonly stats: AccessStats;
  readonly accesses: AccessMap;
  readonly metrics: Metrics;
  readonly windows: Windows;
  readonly traffic: SyncTraffic;
  readonly logger: Logger;
  /** Aborted when the agent stops: whoever waits is answered. */
  readonly stopping: AbortSignal;
}
