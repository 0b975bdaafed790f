import { EXIT } from "../../errors.js";
import { touching } from "../../keyspace/map.js";
import type { DropStep } from "../../plan/types.js";
import type { RunContext } from "../context.js";
import { StepFailure, failure } from "../failure.js";
import { dropCopies } from "./drop-copies.js";
import type { StepHandler } from "./handler.js";

export const drop: StepHandler<DropStep> = {
  apply: async (context, step) => {
    await refuseWhenRouted(context, step);
    await dropCopies(context, step, false);
  },
  undo: null,
};

/** Nothing is deleted to which clients are still sent. */
async function refuseWhenRouted(context: RunContext, step: DropStep): Promise<void> {
  const table = await context.publisher.current(step.keyspace);
  const used = table?.segments.find(
    (segment) =>
      touching(step.segments, segment).length > 0 &&
      (segment.writer === step.node ||
        segment.readers.some(({ node, weight }) => node === step.node && weight > 0)),
  );
  if (used === undefined) return;
  const message = `the routes of ${step.keyspace} (version ${table!.version}) still send clients of [${used.lo}, ${used.hi}) to ${step.node}`;
  throw new StepFailure(failure("still-routed", message), EXIT.partial);
}
