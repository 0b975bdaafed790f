import { planAdoption } from "../plan/adopt.js";
import type { ShardPlan } from "../plan/types.js";
import { driftOf } from "./drift/compare.js";
import { adoptCommand } from "./drift/mend.js";
import { strayRoutes } from "./drift/routes.js";
import type { Difference, Seen } from "./drift/types.js";
import { dataAgents } from "./observe.js";

export interface Adoption {
  readonly plan: ShardPlan;
  /** What is not as the file says also when the plan is applied. */
  readonly left: readonly Difference[];
}

/** The plan that takes over what the agents hold as it is, and what the file has otherwise. Throws as `planAdoption` does. */
export function adoptionOf(seen: Seen, createdAt: string, topologyHash: string): Adoption {
  const { topology, file, answers, silent, observed, tables, state } = seen;
  const ids = [...tables.keys(), ...observed.keyspaces.map(({ id }) => id)];
  const known = dataAgents(topology);
  const plan = planAdoption({
    topology,
    observed: {
      ...observed,
      unreachable: silent.filter(({ node }) => Object.hasOwn(known, node)),
      // Nothing is copied: there is no size that would have to be known.
      basis: "measured",
    },
    createdAt,
    topologyHash,
    lineage: state?.lineage ?? null,
    lineages: new Map(answers.map(({ node, status }) => [node, status])),
    misrouted: new Set(ids.filter((id) => strayRoutes(seen, id).length > 0)),
  });
  const { differences } = driftOf(seen);
  return { plan, left: differences.filter(({ mend }) => !mend.includes(adoptCommand(file))) };
}
