import type {
  PlannedEntry,
  Receiver,
  ReceiverView,
  ReceiverGates,
  UserFilter,
  UserStepDraft,
} from "../../plan/users/types.js";
import { finite, type Paced } from "./pace.js";
import type { GatewaySeen, Situation } from "./situation.js";

/** Of the users, those that are moved before all others. */
const CANARY = 0.05;
/** In so many parts the others are moved, each once the receivers have shown that they bear the one before. */
const PARTS = 4;
/** Who was told to log in elsewhere has so long for it, ms. */
const WITHIN_MS = 30_000;

/** A gateway and those of its sessions that a filter means. */
export interface Leaving {
  readonly gateway: GatewaySeen;
  readonly entry: string;
  readonly filter: UserFilter;
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
      .map((gateway) => ({ gateway, entry: id, filter, sessions: meant(gateway, filter) }))
      .filter(({ sessions }) => sessions > 0);
  });
}

function meant({ groups }: GatewaySeen, { carrier, province, port }: UserFilter): number {
  return groups
    .filter(
      (group) =>
        (carrier === null || carrier === group.carrier) &&
        (province === null || province === group.province) &&
        (port === null || port === group.port),
    )
    .reduce((sum, { sessions }) => sum + sessions, 0);
}

/** Users are told to log in elsewhere part by part, at a pace that is shared by the gateways; the receivers are watched in between. */
export function reloginWaves(
  leaving: readonly Leaving[],
  { perSecond }: Paced,
  watch: UserStepDraft,
): UserStepDraft[][] {
  const all = leaving.reduce((sum, { sessions }) => sum + sessions, 0);
  if (all === 0) return [];
  return parts()
    .flatMap((part, i, { length }) => [
      [watch],
      leaving.map(({ gateway, entry, filter, sessions }): UserStepDraft => ({
        kind: "relogin",
        node: gateway.node,
        site: gateway.site,
        entry,
        filter,
        // Who has come since is a part of the last one.
        sessions: i === length - 1 ? null : Math.max(1, Math.round(sessions * part)),
        perSecond: rate(perSecond, sessions / all),
        withinMs: WITHIN_MS,
      })),
    ])
    .concat([[watch]]);
}

/** A part of a pace; null for all at once. */
function rate(perSecond: number, part: number): number | null {
  return finite(Math.max(1, perSecond * part));
}

function parts(): number[] {
  return [CANARY, ...Array.from({ length: PARTS }, () => (1 - CANARY) / PARTS)];
}

/** The same of all who are meant, in one part. */
export function reloginAll(leaving: readonly Leaving[], { perSecond }: Paced): UserStepDraft[] {
  const all = leaving.reduce((sum, { sessions }) => sum + sessions, 0);
  return leaving.map(({ gateway, entry, filter, sessions }): UserStepDraft => ({
    kind: "relogin",
    node: gateway.node,
    site: gateway.site,
    entry,
    filter,
    sessions: null,
    perSecond: Math.max(1, (perSecond * sessions) / all),
    withinMs: WITHIN_MS,
  }));
}

/** Connections are closed, at the pace; all at once where that is Infinity. */
export function disconnectWaves(
  leaving: readonly Leaving[],
  { perSecond }: Paced,
  watch: UserStepDraft,
): UserStepDraft[][] {
  const all = leaving.reduce((sum, { sessions }) => sum + sessions, 0);
  if (all === 0) return [];
  const steps = leaving.map(({ gateway, entry, filter, sessions }): UserStepDraft => ({
    kind: "disconnect",
    node: gateway.node,
    site: gateway.site,
    entry,
    filter,
    perSecond: rate(perSecond, sessions / all),
  }));
  return [steps, [watch]];
}

/** At the gateways of the receivers: who was moved there is told to come back. */
export function recallSteps(
  accounts: readonly Account[],
  receivers: readonly ReceiverView[],
  { gateways }: Situation,
  perSecond: number,
): UserStepDraft[] {
  const sites = new Set(receivers.map(({ site }) => site));
  const from = gateways.filter(({ site }) => sites.has(site));
  return accounts.flatMap(({ id, carrier, province }) =>
    from.map(({ node, site }): UserStepDraft => ({
      kind: "recall",
      node,
      site,
      entry: `${id}-back`,
      // The ports of one site are not those of another.
      filter: { carrier, province, port: null },
      perSecond: Math.max(1, perSecond / from.length),
      withinMs: WITHIN_MS,
    })),
  );
}

export function watchStep(
  receivers: readonly ReceiverView[],
  { gateways }: Situation,
  gates: ReceiverGates,
): UserStepDraft {
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
