import { countText } from "../../../figures.js";
import type { ReceiverView } from "../../../plan/users/types.js";
import type { UserFilter } from "../../../policy/filter.js";
import { level } from "../../../policy/level.js";
import type { Situation } from "../situation.js";
import type { View } from "../view.js";
import { antiFlap, changedJustNow } from "./anti-flap.js";
import { loginRate, tooManyLogins } from "./login-rate.js";
import { oneAtATime, overlap } from "./one-at-a-time.js";
import type { Objection } from "./registry.js";
import { room } from "./room.js";

export type Found = Pick<Objection, "rule" | "message">;

/** What the safety rules have against other fractions by which users of some sites belong elsewhere. */
export function againstFractions(
  { policy, now }: Situation,
  sites: readonly string[],
  filter: Pick<UserFilter, "carrier" | "province">,
  { receivers, pace }: Pick<View, "receivers" | "pace">,
): Found[] {
  const said = (rule: string) => (message: string) => ({ rule, message });
  // Whom an entry keeps away from a site cannot be told to log in there, and who was moved by one is not where the policy has him.
  const entries = policy.entries
    .filter(({ site }) => sites.includes(site))
    .filter((entry) => overlap(entry, { ...filter, port: null }) && level(entry, now) > 0)
    .map(({ site, id, mode, actor }) => `${site} has entry ${id} (${mode}, by ${actor})`);
  return [
    ...receivers.flatMap(tooFull).map(said(room.id)),
    ...entries.map(said(oneAtATime.id)),
    ...changedJustNow(sites, { policy, now }).map(said(antiFlap.id)),
    ...tooManyLogins(receivers, pace).map(said(loginRate.id)),
  ];
}

function tooFull({ site, limit: { what, users, after } }: ReceiverView): string[] {
  if (after <= users) return [];
  return [
    `${site} would have ${countText(Math.round(after))} of ${countText(Math.round(users))} ${what}`,
  ];
}
