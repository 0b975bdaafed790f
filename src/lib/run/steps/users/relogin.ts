import type { RecallStep, ReloginStep } from "../../../plan/users/types.js";
import { sayStep, sayUndo } from "../../../plan/say.js";
import { type UserContext, statusOf, stopAtBoundary } from "../../context.js";
import { ask } from "../../ask.js";
import { doneResult, operate, settle } from "../../operation.js";
import type { StepHandler } from "../handler.js";
import { countingTold, toldBefore } from "./told.js";
import { assertMasked, assertTold, isHomeWell, unlessSilent } from "./departing.js";

export const relogin: StepHandler<ReloginStep> = {
  apply: (context, step) => tell(context, step, step.sessions, false),
  undo: (context, step) =>
    unlessSilent(context, step, () =>
      settle(context, step.id, { undo: true, what: sayStep(step).what, atStop: "wait" }),
    ),
};

/** Nothing on the way there: the step stands before what it takes back, so that its undo comes after. */
export const recall: StepHandler<RecallStep> = {
  apply: async () => {},
  undo: (context, step) =>
    unlessSilent(context, step, async () => {
      if (await isHomeWell(context, step)) await tell(context, step, null, true);
    }),
};

async function tell(
  context: UserContext,
  step: ReloginStep | RecallStep,
  sessions: number | null,
  undo: boolean,
): Promise<void> {
  const { id, node, entry, filter, perSecond, withinMs, home } = step;
  const said = (undo ? sayUndo(step) : null) ?? sayStep(step);
  const progressOf = { what: `users of ${node}`, like: "users of gateways" };
  const options = { undo, what: said.what, atStop: "cancel", progressOf } as const;
  await settle(context, id, options);
  stopAtBoundary(context);
  if (!undo && doneResult(context, id) !== null) return;
  await (undo ? assertTold(context, node) : assertMasked(context, step));
  // Whoever finds the other site closed comes back, and is told again as long as no count ends that.
  const here = await ask(context, id, node, "count its sessions", (agent) => agent.sessions());
  const left = (sessions ?? Infinity) - (undo ? 0 : toldBefore(context, step));
  // What was begun has to be seen to end well, also where nobody is left.
  const isBegun = !undo && (statusOf(context).steps.get(id)?.ops.length ?? 0) > 0;
  const count = Math.max(isBegun ? 1 : 0, Math.min(left, here.sessions));
  if (count === 0) return;
  const request = {
    kind: "relogin",
    entry,
    filter,
    count,
    perSecond,
    withinMs,
    ...(home === null ? {} : { home }),
  } as const;
  await countingTold(context, step, here, () =>
    operate(context, id, options, async () => ({ node, request, inverse: null, preState: null })),
  );
}
