import type { NodeStatus } from "../../agent/protocol/node.js";
import { EXIT } from "../../errors.js";
import type { PreflightStep } from "../../plan/types.js";
import { type RunContext, participantsOf, unlessLeft } from "../context.js";
import { StepFailure, asProblem, failure, failureOf } from "../failure.js";
import type { JsonObject } from "../journal/records.js";
import type { StepHandler } from "./handler.js";
import { blockedPaths } from "./preflight-paths.js";
import { demandOn, judgeRoom } from "./preflight-room.js";

/** The writes of so many seconds say how many come while a copy is made. */
const WINDOW_SECONDS = 60;

export const preflight: StepHandler<PreflightStep> = {
  apply: async (context, step) => {
    const { id, node } = step;
    try {
      const status = await unlessLeft(context, context.agents.of(node).node());
      const demand = demandOn(context.plan, node, await writesPerSecond(context, node, status));
      const room = judgeRoom(node, status, demand);
      const identity = mistakenIdentity(node, context.agents.urlOf(node), status);
      const paths = isNeeded(context, node) ? await blockedPaths(context, node) : [];
      const problems = [...identity, ...room.problems, ...paths];
      for (const message of room.notes) context.emit({ type: "note", message });
      const { version, engine, log, store } = status;
      await tell(context, id, {
        node,
        version,
        engine,
        diskFreeBytes: store.diskFreeBytes,
        memoryFreeBytes: store.memoryFreeBytes,
        logBytes: log.bytes,
        logMaxBytes: log.maxBytes,
        ...demand,
        ...room.facts,
        problems,
        notes: room.notes,
      });
      if (problems.length > 0)
        throw new StepFailure(failure("preflight", problems.join("\n  ")), EXIT.refused);
    } catch (error) {
      if (error instanceof StepFailure) throw error;
      const told = failureOf(asProblem(error), node, "tell its state");
      if (isNeeded(context, node)) throw new StepFailure(told, EXIT.refused);
      await tell(context, id, { node, unreachable: told.message });
      const message = `${told.message}. It takes no part; it gets the routes later`;
      context.emit({ type: "note", message });
    }
  },
  undo: null,
};

async function tell({ journal, emit }: RunContext, step: string, facts: JsonObject): Promise<void> {
  await journal.append({ type: "evidence", step, about: "preflight", facts });
  emit({ type: "evidence", step, about: "preflight", facts });
}

/** Writes of all keyspaces that the node holds. */
async function writesPerSecond(
  context: RunContext,
  node: string,
  status: NodeStatus,
): Promise<number> {
  const seconds = Math.max(1, Math.min(WINDOW_SECONDS, Math.floor(status.uptimeMs / 1_000)));
  const keyspaces = [...new Set(status.entries.map(({ keyspace }) => keyspace))];
  const counts = await Promise.all(
    keyspaces.map((keyspace) =>
      unlessLeft(context, context.agents.of(node).stats(keyspace, seconds)),
    ),
  );
  return counts.reduce((sum, { writes }) => sum + writes.count, 0) / seconds;
}

/** Why the agent is not the node's; empty when it is. */
export function mistakenIdentity(node: string, url: string, status: NodeStatus): string[] {
  if (status.node !== node)
    return [
      `${url} speaks for node ${status.node}, not for ${node}; correct its URL in the topology and plan again`,
    ];
  if (status.url === url) return [];
  return [
    `${node} tells others that it is at ${status.url}; the topology says ${url}; make the two agree and plan again`,
  ];
}

/** Whether the plan cannot be carried out without the node. */
function isNeeded({ plan }: RunContext, node: string): boolean {
  const steps = plan.stages
    .flatMap(({ waves }) => waves.flat())
    .filter(({ kind }) => kind !== "preflight");
  return participantsOf(steps).includes(node);
}
