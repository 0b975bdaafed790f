import { type UserFilter, isFor } from "../../policy/filter.js";
import { overlap } from "./rules/one-at-a-time.js";
import type { Situation } from "./situation.js";

/** Users of a kind who are connected to a gateway and belong to another site, as the policy has them while nothing is masked. */
export interface Elsewhere {
  readonly node: string;
  /** Where they are. */
  readonly site: string;
  readonly home: string;
  readonly carrier: string;
  readonly province: string;
  readonly sessions: number;
}

/** Those of a site, of all ports: the ports of one site are not those of another. */
export function belongingTo(
  home: string,
  filter: Pick<UserFilter, "carrier" | "province">,
  elsewhere: readonly Elsewhere[],
): Elsewhere[] {
  const meant = { ...filter, port: null };
  return elsewhere.filter((one) => one.home === home && isFor(meant, { ...one, port: 0 }));
}

/** Those whom no entry keeps away: they stay where they are until they log in again, or are told. */
export function strayed(
  elsewhere: readonly Elsewhere[],
  { policy, over }: Pick<Situation, "policy" | "over">,
): Elsewhere[] {
  const standing = policy.entries.filter(({ id }) => !over.includes(id));
  return elsewhere.filter(
    ({ home, carrier, province }) =>
      !standing.some(
        (entry) => entry.site === home && overlap(entry, { carrier, province, port: null }),
      ),
  );
}

export function countOf(elsewhere: readonly Elsewhere[]): number {
  return elsewhere.reduce((sum, { sessions }) => sum + sessions, 0);
}
