import type { SessionsAnswer } from "../../../agent/protocol/gateway.js";
import type { EmptyStep } from "../../../plan/users/types.js";
import { sayStep } from "../../../plan/say.js";
import { isFor } from "../../../policy/filter.js";
import { countText } from "../../../figures.js";
import { ask } from "../../ask.js";
import { type UserContext, statusOf, stopAtBoundary } from "../../context.js";
import { StepFailure, failure } from "../../failure.js";
import { doneResult, operate, settle } from "../../operation.js";
import type { StepHandler } from "../handler.js";
import { assertMasked, unlessSilent } from "./departing.js";
import { countingTold, toldState } from "./told.js";

/** Who comes with an address from before the entry is told in the first; who comes back from a site that had no room, in the next. */
const ROUNDS = 3;

export const empty: StepHandler<EmptyStep> = {
  apply: async (context, step) => {
    const { id, node, entry, filter, perSecond, withinMs } = step;
    const progressOf = { what: `users of ${node}`, like: "users of gateways" };
    const { what } = sayStep(step);
    const options = { undo: false, what, atStop: "cancel", progressOf } as const;
    await countingTold(context, step, async () => {
      await settle(context, id, options);
      stopAtBoundary(context);
    });
    for (let round = 0; ; round += 1) {
      const here = await ask(context, id, node, "count its sessions", (agent) => agent.sessions());
      const left = usersLeft(here, filter);
      // What was begun has to be seen to end well, also where nobody is left to be told.
      if (left === 0 && hasEndedWell(context, id)) return;
      if (round === ROUNDS) throw new StepFailure(notEmpty(step, left));
      await assertMasked(context, step);
      const request = {
        kind: "relogin",
        entry,
        filter,
        count: left,
        perSecond,
        withinMs,
      } as const;
      const preState = toldState(here, entry);
      await countingTold(context, step, () =>
        operate(context, id, options, async () => ({ node, request, inverse: null, preState })),
      );
    }
  },
  undo: (context, step) =>
    unlessSilent(context, step, () =>
      settle(context, step.id, { undo: true, what: sayStep(step).what, atStop: "wait" }),
    ),
};

function hasEndedWell(context: UserContext, step: string): boolean {
  const isBegun = (statusOf(context).steps.get(step)?.ops.length ?? 0) > 0;
  return !isBegun || doneResult(context, step) !== null;
}

function usersLeft({ groups }: SessionsAnswer, filter: EmptyStep["filter"]): number {
  return groups
    .filter((group) => isFor(filter, group))
    .reduce((sum, { sessions }) => sum + sessions, 0);
}

function notEmpty({ node, site, entry }: EmptyStep, left: number) {
  const message = `${site} is not empty: ${node} still has ${countText(left)} users whom ${entry} means`;
  return failure("not-empty", message, {
    hint: "they have no other site, or come back from one that took them not: ops run resume tells and counts them again",
  });
}
