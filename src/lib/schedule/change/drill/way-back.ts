import type { ReceiverView, UserMove } from "../../../plan/users/types.js";
import type { Problem } from "../../types.js";
import { type Paced, finite, paceOf } from "../pace.js";
import type { Situation } from "../situation.js";
import { loginsOf, rated } from "../view.js";

/** What it is for the sites that gave users to get them back. */
export interface WayBack {
  readonly pace: Paced;
  readonly receivers: readonly Pick<ReceiverView, "site" | "capacity" | "logins">[];
}

/** `moves`: the way there. Whoever has left makes his own logins elsewhere until he is back. */
export function wayBackOf(
  moves: readonly UserMove[],
  { classes, limits }: Problem,
  situation: Situation,
  asked: number | null,
): WayBack {
  const logins = loginsOf(situation);
  const arrivals = [...new Set(moves.map(({ from }) => from))].map((site) => {
    const gone = moves.filter(({ from }) => from === site);
    const users = gone.reduce((sum, one) => sum + one.users, 0);
    const here = classes.filter((one) => one.site === site);
    const online = here.reduce((sum, one) => sum + one.users, 0);
    const { now, limit } = logins.get(site)!;
    const own = (now * users) / online;
    return { site, users, own, spare: Math.max(0, limit - (now - own)) };
  });
  const pace = paceOf(arrivals, asked);
  const receivers = arrivals.map(({ site, own }) => {
    const { now, limit } = logins.get(site)!;
    const planned = now - own + (pace.logins.get(site) ?? 0);
    const capacity = rated(limits, site);
    return { site, capacity, logins: { now: now - own, limit, planned: finite(planned) } };
  });
  return { pace, receivers };
}
