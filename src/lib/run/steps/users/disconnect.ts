import type { DisconnectStep } from "../../../plan/users/types.js";
import { sayStep } from "../../../plan/say.js";
import { doneResult, operate, settle } from "../../operation.js";
import type { StepHandler } from "../handler.js";
import { ask } from "../../ask.js";
import { stopAtBoundary } from "../../context.js";
import { countingTold, toldState } from "./told.js";
import { assertMasked, unlessSilent } from "./departing.js";

export const disconnect: StepHandler<DisconnectStep> = {
  apply: async (context, step) => {
    const { id, node, entry, filter, perSecond } = step;
    const said = sayStep(step);
    const progressOf = { what: `users of ${node}`, like: "users of gateways" };
    const options = { undo: false, what: said.what, atStop: "cancel", progressOf } as const;
    await countingTold(context, step, async () => {
      await settle(context, id, options);
      stopAtBoundary(context);
    });
    if (doneResult(context, id) !== null) return;
    await assertMasked(context, step);
    const request = { kind: "disconnect", entry, filter, count: null, perSecond } as const;
    const here = await ask(context, id, node, "count its sessions", (agent) => agent.sessions());
    const preState = toldState(here, entry);
    await countingTold(context, step, () =>
      operate(context, id, options, async () => ({ node, request, inverse: null, preState })),
    );
  },
  undo: (context, step) =>
    unlessSilent(context, step, () =>
      settle(context, step.id, { undo: true, what: sayStep(step).what, atStop: "wait" }),
    ),
};
