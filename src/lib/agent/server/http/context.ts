import type { Peers } from "../../client/peer.js";
import type { AccessMap } from "../access-map.js";
import type { AccessStats } from "../access-stats.js";
import type { Acknowledgements } from "../acknowledgements.js";
import type { Data } from "../data/data.js";
import type { FollowerStreams } from "../follower-streams.js";
import type { Holdings } from "../holdings.js";
import type { Links } from "../links.js";
import type { Ownership } from "../ownership.js";
import type { Retention } from "../retention.js";
import type { Base } from "../roles/role.js";
import type { Routes } from "../routes.js";
import type { SyncTraffic } from "../sync-traffic.js";
import type { Windows } from "../windows.js";

/** What the routes of an agent that holds data answer from. */
export interface Services extends Base {
  readonly holdings: Holdings;
  readonly links: Links;
  readonly ownership: Ownership;
  readonly peers: Peers;
  readonly retention: Retention;
  readonly routes: Routes;
  readonly data: Data;
  readonly acks: Acknowledgements;
  readonly streams: FollowerStreams;
  readonly stats: AccessStats;
  readonly accesses: AccessMap;
  readonly windows: Windows;
  readonly traffic: SyncTraffic;
}
