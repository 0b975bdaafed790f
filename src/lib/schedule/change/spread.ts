import { EXIT, OpsError } from "../../errors.js";
import { type Assignment, assign } from "../assign/assign.js";
import { classesOf, limitsOf, sitesOf } from "../problem.js";
import type { Problem } from "../types.js";
import type { Service } from "./service.js";

/**
 * Everyone of the demand where it is best, at these sites.
 * @throws OpsError (exit 3) `no-room`
 */
export async function spread(
  { topology, demand, costs }: Service,
  open: readonly string[],
): Promise<{ readonly problem: Problem; readonly assignment: Assignment }> {
  const problem: Problem = {
    sites: sitesOf(topology),
    limits: limitsOf(topology, demand),
    classes: classesOf(demand),
    closed: topology.sets
      .filter(({ id }) => !open.includes(id))
      .map(({ id }) => ({ site: id, carrier: null, province: null })),
    costs,
    moves: null,
  };
  const assignment = await assign(problem);
  if (assignment.shortage === null) return { problem, assignment };
  const missing = Math.ceil(assignment.shortage.missing);
  throw new OpsError(
    "no-room",
    EXIT.refused,
    `the sites do not hold everyone: ${missing} users have no place`,
    {
      hint: "ops schedule capacity says which limit is in the way",
    },
  );
}
