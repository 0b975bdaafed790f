import type { RecallStep, ReloginStep } from "../../../plan/users/types.js";
import { sayStep, sayUndo } from "../../../plan/say.js";
import type { UserContext } from "../../context.js";
import { ask } from "../../ask.js";
import { doneResult, operate, settle } from "../../operation.js";
import type { StepHandler } from "../handler.js";
import { assertMasked, assertTold, isHomeWell, unlessSilent } from "./departing.js";

export const relogin: StepHandler<ReloginStep> = {
  apply: (context, step) => tell(context, step, step.sessions, false),
  undo: (context, step) =>
    unlessSilent(context, step, () =>
      settle(context, step.id, { undo: true, what: sayStep(step).what, leavable: false }),
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
  const { id, node, entry, filter, perSecond, withinMs } = step;
  const said = (undo ? sayUndo(step) : null) ?? sayStep(step);
  const progressOf = { what: `users of ${node}`, like: "users of gateways" };
  const options = { undo, what: said.what, leavable: false, progressOf };
  await settle(context, id, options);
  if (!undo && doneResult(context, id) !== null) return;
  await (undo ? assertTold(context, node) : assertMasked(context, step));
  // Whoever finds the other site closed comes back, and is told again as long as no count ends that.
  const here = await ask(context, id, node, "count its sessions", (agent) => agent.sessions());
  const count = Math.min(sessions ?? Infinity, here.sessions);
  if (count === 0) return;
  const request = { kind: "relogin", entry, filter, count, perSecond, withinMs } as const;
  await operate(context, id, options, async () => ({
    node,
    request,
    inverse: null,
    preState: null,
  }));
}
