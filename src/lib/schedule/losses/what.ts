import { type Loss, lossesOf } from "../../topology/capacity/losses.js";
import type { Topology } from "../../topology/types.js";

/** A loss to look at, and whether the policy says that it must be carried. */
export interface LookedAt {
  readonly loss: Loss;
  readonly required: boolean;
}

/** Each region and each idc, and then the regions that the policy allows to be lost together. */
export function lossesToLookAt(topology: Topology): LookedAt[] {
  const { policy, regions } = topology;
  const single = lossesOf({ ...topology, policy: { ...policy, regionsLost: 1 } });
  const together = policy.regionsLost > 1 && regions.length > 1 ? lossesOf(topology) : [];
  return [
    ...single.map((loss) => ({
      loss,
      required: loss.regions.length === 0 || policy.regionsLost > 0,
    })),
    ...together.filter((loss) => loss.regions.length > 1).map((loss) => ({ loss, required: true })),
  ];
}
