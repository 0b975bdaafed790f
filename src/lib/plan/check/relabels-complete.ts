import { coverage } from "./coverage.js";
import { stepsOfKind, type Check } from "./finding.js";

/** Exactly those segments get another shard whose writer stays, each once; those whose writes move get it by the takeover. */
export const relabelsComplete: Check = {
  rule: "relabels-complete",
  find(plan) {
    const relabels = stepsOfKind(plan, "relabel");
    return plan.keyspaces.flatMap((keyspace) =>
      coverage(
        keyspace,
        "relabel",
        ([was, is]) => was.primary === is.primary && was.shard !== is.shard,
        relabels.filter(({ keyspace: of }) => of === keyspace.id),
        (step, [was, is]) => was.shard === step.shardBefore && is.shard === step.shard,
      ),
    );
  },
};
