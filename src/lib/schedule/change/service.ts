import { EXIT, OpsError } from "../../errors.js";
import type { Demand, Topology } from "../../topology/types.js";
import type { Costs } from "../types.js";

/** Of a service: what users ask for, what they have of each site, and what they could have. */
export interface Service {
  readonly topology: Topology;
  readonly demand: Demand;
  readonly costs: Costs;
}

/** @throws OpsError (exit 3) `no-demand` */
export function demandOf({ name, demand }: Topology): Demand {
  if (demand !== null) return demand;
  throw new OpsError(
    "no-demand",
    EXIT.refused,
    `topology ${name} does not say how many users there are`,
    {
      hint: "add `demand` (docs/topology.md)",
    },
  );
}
