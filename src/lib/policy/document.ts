import type { SegmentMap } from "../keyspace/map.js";

/** The lock scope of all that is done with users. */
export const SCHEDULE = "schedule";

/** Stands for every carrier, or province, that has no class of its own. */
export const OTHER = "other";

/** Longest time from `since` to `expires` of an entry, ms: what is meant for longer belongs into the topology. */
export const LONGEST_MS = 31 * 24 * 3600 * 1000;

/** Where users are sent, and which sites they are kept away from. Times are ms since 1970. */
export interface PolicyDocument {
  readonly v: 1;
  /** Rises with every document of a control plane. */
  readonly version: number;
  /** By id. */
  readonly sites: Readonly<Record<string, PolicySite>>;
  readonly classes: readonly PolicyClass[];
  readonly entries: readonly Entry[];
  /** URLs of access agents by node, where each looks for a newer document; a document of an earlier version names none. */
  readonly agents?: Readonly<Record<string, string>> | undefined;
  /** The last change of each site, by site, so that whoever plans the next one knows of it, with whatever state directory. */
  readonly changes?: readonly SiteChange[] | undefined;
}

/** Users were sent to a site, or away from it, by a run. */
export interface SiteChange {
  readonly site: string;
  readonly at: number;
  /** `shift`, `restore`, as plans call it. */
  readonly what: string;
  /** It was the taking back of one. */
  readonly isUndo: boolean;
  readonly actor: string;
  /** It is another site that was to be changed: this one only got its users. */
  readonly isReceiver: boolean;
}

export interface PolicySite {
  readonly region: string;
  /** Carriers over which it is reachable. Users of carriers that no site names may use any. */
  readonly carriers: readonly string[];
  readonly addresses: readonly GatewayAddress[];
}

/** Where a gateway of a site listens, and the port for which entries are. */
export interface Address {
  readonly url: string;
  readonly port: number;
}

export interface GatewayAddress extends Address {
  /** The gateway, as the topology calls it; a document of an earlier version says nothing. */
  readonly node?: string | undefined;
}

/** Where users of a carrier and province belong while nothing is masked: a site for every hash of a uid. */
export interface PolicyClass {
  readonly carrier: string;
  readonly province: string;
  readonly base: SegmentMap<string>;
}

export const MODES = ["mask", "weak", "strong"] as const;

/**
 * `mask`: logins are not sent there. `weak`: and those who are there are told to log in again. `strong`: and their connections
 * are closed.
 */
export type Mode = (typeof MODES)[number];

/** One site that users are kept away from. A filter that is null is for all. */
export interface Entry {
  readonly id: string;
  readonly site: string;
  readonly carrier: string | null;
  readonly province: string | null;
  readonly port: number | null;
  readonly mode: Mode;
  readonly reason: string;
  readonly actor: string;
  readonly epoch: bigint;
  readonly since: number;
  readonly expires: number;
  readonly ramp: Ramp;
  /**
   * Where those go whom the entry keeps away, by class. Cut over all hashes of a uid, with a hash that is the entry's own: it says
   * nothing about where the user came from. Users of a class without one go to what is left, evenly.
   */
  readonly redirects: readonly PolicyRedirect[];
}

/** How users come back when the entry has expired: `step` (0..1) more of them every `everyMs`, the first ones at once; all within `LONGEST_MS`. */
export interface Ramp {
  readonly step: number;
  readonly everyMs: number;
}

export interface PolicyRedirect {
  readonly carrier: string;
  readonly province: string;
  readonly map: SegmentMap<string>;
}
