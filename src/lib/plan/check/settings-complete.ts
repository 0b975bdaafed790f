import { sameSettings } from "../../routing/settings.js";
import { stepsOfKind, type Check, type Finding } from "./finding.js";

/** Settings change where they differ, once, from those before to those after; not where there are no routes on one side. */
export const settingsComplete: Check = {
  rule: "settings-complete",
  find(plan) {
    const steps = stepsOfKind(plan, "settings");
    return plan.keyspaces.flatMap(
      ({ id, domain, settings: { before, after } }): Omit<Finding, "rule">[] => {
        const mine = steps.filter(({ keyspace }) => keyspace === id);
        const isOther = !sameSettings(before, after);
        if (isOther && (domain.before === null || domain.after === null))
          return [
            { message: `keyspace ${id} has settings before or after without routes`, step: null },
          ];
        if (mine.length !== (isOther ? 1 : 0)) {
          const message = `the settings of keyspace ${id} change ${mine.length} times, they should ${isOther ? "once" : "not"}`;
          return [{ message, step: null }];
        }
        return mine
          .filter((step) => !sameSettings(step.before, before) || !sameSettings(step.after, after))
          .map((step) => ({
            message: `the settings of keyspace ${id} are not those of the plan`,
            step: step.id,
          }));
      },
    );
  },
};
