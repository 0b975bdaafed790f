import { EXIT, OpsError } from "../errors.js";
import { type Demand, type Share, type Topology, UNLISTED } from "../topology/types.js";
import { Crowd, type CrowdOptions } from "./sessions/crowd.js";
import type { Person } from "./sessions/dispatch-client.js";

/** Steps by these spread points over 0..1 evenly, however many there are, and not in the same order. */
const STEPS = { carrier: (Math.sqrt(5) - 1) / 2, province: Math.SQRT2 - 1 };
/** Of the logins a second that sites take, those by which people come: some log in again meanwhile. */
const USED = 0.9;

/**
 * So many users of a topology, who ask its dispatchers, and how many of them may come a second without having to wait. Throws OpsError
 * `no-dispatcher`, `no-demand`.
 */
export function crowdOf(
  { name, nodes, sets, demand }: Topology,
  users: number,
  how: Pick<CrowdOptions, "random" | "network">,
): { readonly crowd: Crowd; readonly perSecond: number } {
  const dispatch = nodes.flatMap(({ role, agent }) =>
    role === "dispatch" && agent !== null ? [agent] : [],
  );
  if (dispatch.length === 0) {
    throw new OpsError("no-dispatcher", EXIT.refused, `${name} has no dispatcher with an agent`, {
      hint: "give it an access node with `role: dispatch`, and start it: ops dev up",
    });
  }
  if (demand === null) {
    throw new OpsError("no-demand", EXIT.refused, `${name} does not say who its users are`, {
      hint: "give it `demand` with carriers and provinces",
    });
  }
  const crowd = new Crowd({ ...how, people: peopleOfDemand(demand, users), dispatch });
  const logins = sets.reduce((sum, { capacity }) => sum + capacity.loginsPerSecond, 0);
  return { crowd, perSecond: USED * logins };
}

/** So many users, of each carrier and province the share that the demand says, all kinds mixed. */
function peopleOfDemand({ carriers, provinces }: Demand, users: number): Person[] {
  return Array.from({ length: users }, (_, i) => ({
    uid: BigInt(i),
    carrier: at(carriers, (i * STEPS.carrier) % 1),
    province: at(provinces, (i * STEPS.province) % 1),
  }));
}

function at(shares: readonly Share[], point: number): string {
  let sum = 0;
  for (const { id, share } of shares) {
    sum += share;
    if (point < sum) return id;
  }
  return UNLISTED;
}
