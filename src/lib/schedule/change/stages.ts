import type {
  PlannedEntry,
  Receiver,
  ReceiverView,
  ReceiverGates,
  UserMove,
  UserStepDraft,
} from "../../plan/users/types.js";
import type { UserFilter } from "../../policy/filter.js";
import { isFor } from "../../policy/filter.js";
import { finite, type Paced } from "./pace.js";
import type { GatewaySeen, Situation } from "./situation.js";

/** Of the users, those that are moved before all others. */
const CANARY = 0.05;
/** In so many parts the others are moved, each once the receivers have shown that they bear the one before. */
const PARTS = 4;
const SOME = [CANARY, ...Array.from({ length: PARTS - 1 }, () => (1 - CANARY) / PARTS)];
/** Who has come since is a part of the last one. */
const UNTIL_NOBODY_IS_LEFT = [...SOME, null];
/** Others who are not where they belong are not those whom the change is about. */
export const AS_MANY_AS_PLANNED = [...SOME, (1 - CANARY) / PARTS];
/** Of an even part: so much a gateway is given at least. One that was started a minute ago has few users now, and gets more. */
const LEAST = 0.1;
/** Who was told to log in elsewhere has so long for it, ms. */
const WITHIN_MS = 30_000;

const ANYONE: UserFilter = { carrier: null, province: null, port: null };

/** A gateway and those of its sessions that a filter means. */
export interface Leaving {
  readonly gateway: GatewaySeen;
  readonly entry: string;
  readonly filter: UserFilter;
  /** Where those belong who are meant; null for all who do not belong to the gateway's site. */
  readonly home: string | null;
  readonly sessions: number;
}

/** On whose account users of a site are told: an entry, or a batch. */
export type Account = Pick<PlannedEntry, "id" | "site" | keyof UserFilter>;

/** The gateways of the sites that have users who are meant. */
export function leavingFrom(accounts: readonly Account[], { gateways }: Situation): Leaving[] {
  return accounts.flatMap(({ id, site, carrier, province, port }) => {
    const filter = { carrier, province, port };
    return gateways
      .filter((gateway) => gateway.site === site)
      .map((gateway) => ({
        gateway,
        entry: id,
        filter,
        home: null,
        sessions: meant(gateway, filter),
      }))
      .filter(({ sessions }) => sessions > 0);
  });
}

/** The gateways of the sites that some moves leave, each with its part of them: who moves is spread as those who are there now. */
export function leavingBy(
  moves: readonly UserMove[],
  on: Pick<Leaving, "entry" | "filter" | "home">,
  situation: Situation,
): Leaving[] {
  return leavingAs(moves, on, situation, (gateway) => meant(gateway, ANYONE));
}

/** The same of those who are yet to come there: a site's logins go to its gateways in equal parts, whoever has users now. */
export function leavingLater(
  moves: readonly UserMove[],
  on: Pick<Leaving, "entry" | "filter" | "home">,
  situation: Situation,
): Leaving[] {
  return leavingAs(moves, on, situation, () => 0);
}

/** The same, with as many as somebody says at each gateway. */
export function leavingAs(
  moves: readonly UserMove[],
  { entry, filter, home }: Pick<Leaving, "entry" | "filter" | "home">,
  { gateways }: Situation,
  thereAt: (gateway: GatewaySeen) => number,
): Leaving[] {
  return gateways.flatMap((gateway) => {
    const leaving = moves.filter(({ from }) => from === gateway.site);
    const users = leaving.reduce((sum, move) => sum + move.users, 0);
    const ofSite = gateways.filter(({ site }) => site === gateway.site);
    const there = ofSite.reduce((sum, one) => sum + thereAt(one), 0);
    const even = 1 / ofSite.length;
    const part = (one: GatewaySeen) =>
      there === 0 ? even : Math.max(thereAt(one) / there, LEAST * even);
    const all = ofSite.reduce((sum, one) => sum + part(one), 0);
    const sessions = (users * part(gateway)) / all;
    return sessions === 0 ? [] : [{ gateway, entry, filter, home, sessions }];
  });
}

function meant({ groups }: GatewaySeen, filter: UserFilter): number {
  return groups
    .filter((group) => isFor(filter, group))
    .reduce((sum, { sessions }) => sum + sessions, 0);
}

/** What a step for the users of each gateway has, with its part of the pace: null for all at once. */
function departing(leaving: readonly Leaving[], { perSecond }: Paced) {
  const all = leaving.reduce((sum, { sessions }) => sum + sessions, 0);
  return leaving.map(({ gateway: { node, site }, entry, filter, home, sessions }) => ({
    step: {
      node,
      site,
      entry,
      filter,
      perSecond: finite(Math.max(1, (perSecond * sessions) / all)),
    },
    home,
    sessions,
  }));
}

/** So many users, in the proportion in which gateways have sessions. */
export function inProportion(users: number, there: readonly Leaving[]): Leaving[] {
  const all = there.reduce((sum, { sessions }) => sum + sessions, 0);
  return there
    .map((one) => ({ ...one, sessions: (users * one.sessions) / all }))
    .filter(({ sessions }) => sessions > 0);
}

/** Users are told to log in elsewhere part by part, at a pace that is shared by the gateways; the receivers are watched before, and with each. */
export function reloginWaves(
  leaving: readonly Leaving[],
  pace: Paced,
  watch: UserStepDraft,
  parts: typeof UNTIL_NOBODY_IS_LEFT | typeof AS_MANY_AS_PLANNED = UNTIL_NOBODY_IS_LEFT,
): UserStepDraft[][] {
  if (leaving.length === 0) return [];
  return [[watch], ...parts.map((part) => [watch, ...reloginSteps(leaving, pace, part)])];
}

/** `part`: of the users, 0..1; null for all who are left. */
export function reloginSteps(
  leaving: readonly Leaving[],
  pace: Paced,
  part: number | null,
): UserStepDraft[] {
  return departing(leaving, pace).map(({ step, home, sessions }): UserStepDraft => ({
    kind: "relogin",
    ...step,
    home,
    sessions: part === null ? null : Math.max(1, Math.round(sessions * part)),
    withinMs: WITHIN_MS,
  }));
}

/** At every gateway of the sites, also those that have nobody now. */
export function emptySteps(
  accounts: readonly Account[],
  { gateways }: Situation,
  { perSecond }: Paced,
): UserStepDraft[] {
  const sites = accounts.map(({ site }) => site);
  const count = gateways.filter(({ site }) => sites.includes(site)).length;
  return accounts.flatMap(({ id, site, carrier, province, port }) =>
    gateways
      .filter((gateway) => gateway.site === site)
      .map(({ node }): UserStepDraft => ({
        kind: "empty",
        node,
        site,
        entry: id,
        filter: { carrier, province, port },
        perSecond: finite(Math.max(1, perSecond / count)),
        withinMs: WITHIN_MS,
      })),
  );
}

/** Connections are closed, at the pace. All at once is more than anybody takes: then the receivers are looked at when it is over. */
export function disconnectWaves(
  leaving: readonly Leaving[],
  pace: Paced,
  watch: UserStepDraft,
): UserStepDraft[][] {
  if (leaving.length === 0) return [];
  const steps = departing(leaving, pace).map(({ step }): UserStepDraft => ({
    kind: "disconnect",
    ...step,
  }));
  return Number.isFinite(pace.perSecond) ? [[watch, ...steps]] : [steps, [watch]];
}

/** Those who are called back on an account, all together at most so many a second. */
export interface Recalled
  extends Pick<Account, "id" | "carrier" | "province">, Partial<Pick<Account, "site">> {
  readonly perSecond: number;
}

/** At the gateways of the receivers: who was moved there is told to come back. */
export function recallSteps(
  accounts: readonly Recalled[],
  receivers: readonly Pick<ReceiverView, "site">[],
  { gateways }: Situation,
): UserStepDraft[] {
  const sites = new Set(receivers.map(({ site }) => site));
  const from = gateways.filter(({ site }) => sites.has(site));
  return accounts.flatMap(({ id, carrier, province, site: home = null, perSecond }) =>
    from.map(({ node, site }): UserStepDraft => ({
      kind: "recall",
      node,
      site,
      entry: `${id}-back`,
      home,
      // The ports of one site are not those of another.
      filter: { carrier, province, port: null },
      perSecond: Math.max(1, perSecond / from.length),
      withinMs: WITHIN_MS,
    })),
  );
}

export function watchStep(
  receivers: readonly Pick<ReceiverView, "site" | "capacity">[],
  { gateways }: Situation,
  gates: ReceiverGates,
): Extract<UserStepDraft, { kind: "receivers" }> {
  return {
    kind: "receivers",
    receivers: receivers.map(({ site, capacity }): Receiver => ({
      site,
      nodes: gateways.filter((gateway) => gateway.site === site).map(({ node }) => node),
      onlineUsers: capacity,
    })),
    gates,
  };
}
