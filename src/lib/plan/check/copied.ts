import { touching } from "../../keyspace/map.js";
import type { LinkStep, ShardPlan, ShardStep } from "../types.js";

/** Tells the links that copy something: of what is being created there is nothing to copy. */
export function copiesSomething({ keyspaces }: ShardPlan): (step: ShardStep) => step is LinkStep {
  const held = new Map(keyspaces.map(({ id, before }) => [id, before]));
  return (step): step is LinkStep =>
    step.kind === "link" &&
    step.segments.some((segment) => touching(held.get(step.keyspace) ?? [], segment).length > 0);
}
