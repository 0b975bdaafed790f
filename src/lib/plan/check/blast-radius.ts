import { risksOfSteps } from "../waves/at-risk.js";
import { RisksAtOnce } from "../waves/risks.js";
import type { Check } from "./finding.js";

/** Where the plan says so, no wave puts two sets of a region at risk, nor two copies of a shard. */
export const blastRadius: Check = {
  rule: "blast-radius",
  find(plan) {
    if (plan.limits.blastRadius === undefined) return [];
    const risksOf = risksOfSteps(plan.keyspaces, (node) => plan.nodes[node]);
    return plan.stages.flatMap((stage) =>
      stage.waves.flatMap((wave, i) => {
        const together = new RisksAtOnce();
        return wave.flatMap((step) => {
          const risks = risksOf(step);
          const conflicts = together.conflicts(risks);
          together.add(risks);
          const messages = conflicts.map(
            (scope) =>
              `stage ${stage.id}, wave ${i + 1} puts more of ${scope} at risk than one step does`,
          );
          if (step.kind === "verify" && step.source === undefined)
            messages.push("an earlier version made the plan: it does not say what is compared");
          return messages.map((message) => ({ message, step: step.id }));
        });
      }),
    );
  },
};
