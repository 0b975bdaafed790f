import { placedSteps, type Check } from "./finding.js";

/** Journals and flags name stages and steps by their ids. */
export const uniqueIds: Check = {
  rule: "unique-ids",
  find(plan) {
    const seen = new Set<string>();
    const ids = [
      ...plan.stages.map((stage) => stage.id),
      ...placedSteps(plan).map(({ step }) => step.id),
    ];
    return ids.flatMap((id) => {
      if (seen.has(id)) return [{ message: `id ${id} is given twice`, step: null }];
      seen.add(id);
      return [];
    });
  },
};
