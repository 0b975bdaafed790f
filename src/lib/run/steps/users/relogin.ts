import type { RecallStep, ReloginStep } from "../../../plan/users/types.js";
import { sayStep, sayUndo } from "../../../plan/say.js";
import { type UserContext, statusOf, stopAtBoundary } from "../../context.js";
import { ask } from "../../ask.js";
import { doneResult, operate, settle } from "../../operation.js";
import type { StepHandler } from "../handler.js";
import { countingTold, noteTold, toldBefore, toldState } from "./told.js";
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
  const before = async () => {
    await settle(context, id, options);
    stopAtBoundary(context);
  };
  await (undo ? before() : countingTold(context, step, before));
  if (!undo && doneResult(context, id) !== null) return;
  // A process that was killed has noted nothing of what its operation did.
  if (!undo) await noteTold(context, step);
  await (undo ? assertTold(context, node) : assertMasked(context, step));
  // Whoever finds the other site closed comes back, and is told again as long as no count ends that.
  const here = await ask(context, id, node, "count its sessions", (agent) => agent.sessions());
  const left = (sessions ?? Infinity) - (undo ? 0 : toldBefore(context, step));
  const count = Math.max(0, Math.min(left, here.sessions));
  // What was begun has to be seen to end well, also where nobody is left to be told.
  const isBegun = !undo && (statusOf(context).steps.get(id)?.ops.length ?? 0) > 0;
  if (count === 0 && !isBegun) return;
  const request = {
    kind: "relogin",
    entry,
    filter,
    count,
    perSecond,
    withinMs,
    ...(home === null ? {} : { home }),
  } as const;
  const preState = toldState(here, entry);
  await countingTold(context, step, () =>
    operate(context, id, options, async () => ({ node, request, inverse: null, preState })),
  );
}
