import { EXIT } from "../../errors.js";
import type { PreflightStep } from "../../plan/types.js";
import { type RunContext, participantsOf } from "../context.js";
import { StepFailure, asProblem, failure, failureOf } from "../failure.js";
import type { StepHandler } from "./handler.js";

/** Room that a copy takes beside its bytes: the change log, and pages that stay used while a snapshot is read. */
const ROOM_FACTOR = 1.3;

export const preflight: StepHandler<PreflightStep> = {
  say: ({ node, bytesIn }) =>
    `check ${node}: reachable, who it says it is, room for ${bytesIn} bytes`,
  apply: async (context, step) => {
    const { id, node, bytesIn } = step;
    const url = context.plan.nodes[node]?.url;
    try {
      const status = await context.agents.of(node).node();
      const { diskFreeBytes, memoryFreeBytes } = status.store;
      const problems: string[] = [];
      if (status.node !== node)
        problems.push(`${url} speaks for node ${status.node}, not for ${node}`);
      else if (status.url !== url)
        problems.push(`${node} tells others that it is at ${status.url}; the topology says ${url}`);
      const room = Math.ceil(Number(bytesIn) * ROOM_FACTOR);
      if (room > diskFreeBytes)
        problems.push(
          `${node} has ${diskFreeBytes} bytes free on disk, and needs ${room} for the copies`,
        );
      if (Number(bytesIn) > memoryFreeBytes) {
        const message = `${node} gets ${bytesIn} bytes and has ${memoryFreeBytes} bytes of memory free: reads may go to disk`;
        context.emit({ type: "note", message });
      }
      const { version, engine, log } = status;
      const facts = {
        node,
        version,
        engine,
        bytesIn: String(bytesIn),
        diskFreeBytes,
        memoryFreeBytes,
        logBytes: log.bytes,
        logMaxBytes: log.maxBytes,
      };
      await context.journal.append({ type: "evidence", step: id, about: "preflight", facts });
      context.emit({ type: "evidence", step: id, about: "preflight", facts });
      if (problems.length > 0)
        throw new StepFailure(failure("preflight", problems.join("; ")), EXIT.refused);
    } catch (error) {
      if (error instanceof StepFailure) throw error;
      const told = failureOf(asProblem(error), node, "tell its state");
      if (isNeeded(context, node)) throw new StepFailure(told, EXIT.refused);
      await context.journal.append({
        type: "evidence",
        step: id,
        about: "preflight",
        facts: { node, unreachable: told.message },
      });
      context.emit({
        type: "note",
        message: `${told.message}. It takes no part; it gets the routes later`,
      });
    }
  },
  back: null,
};

/** Whether the plan cannot be carried out without the node. */
function isNeeded({ plan }: RunContext, node: string): boolean {
  const steps = plan.stages
    .flatMap(({ waves }) => waves.flat())
    .filter(({ kind }) => kind !== "preflight");
  return participantsOf(steps).includes(node);
}
