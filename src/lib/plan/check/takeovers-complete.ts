import { coverage } from "./coverage.js";
import { stepsOfKind, type Check } from "./finding.js";

/** The writes of exactly those segments move whose primary is another one afterwards, each once, between those two nodes. */
export const takeoversComplete: Check = {
  rule: "takeovers-complete",
  find(plan) {
    const takeovers = stepsOfKind(plan, "takeover");
    return plan.keyspaces.flatMap((keyspace) =>
      coverage(
        keyspace,
        "takeover",
        ([was, is]) => was.primary !== is.primary,
        takeovers.filter(({ keyspace: of }) => of === keyspace.id),
        (step, [was, is]) =>
          was.primary === step.from &&
          is.primary === step.node &&
          was.shard === step.shardBefore &&
          is.shard === step.shard,
      ),
    );
  },
};
