import type { ShardPlan } from "../../plan/types.js";
import { type RunContext, type ShardContext, stopAtBoundary, unlessLeft } from "../context.js";
import { asProblem, failureOf } from "../failure.js";

/** A path that is down for a moment is tried again. */
const TRIES = 2;
const BETWEEN_MS = 500;

/**
 * The nodes that a node has to reach, sorted: a copy and a takeover are asked for by the target, and once the writes have moved the
 * old writer follows the new one, which is the way back. So every pair has to work in both directions.
 */
export function peersOf(plan: ShardPlan, node: string): string[] {
  const pairs = plan.stages
    .flatMap(({ waves }) => waves.flat())
    .flatMap((step): [string, string][] => {
      if (step.kind === "link" || step.kind === "repoint") return [[step.node, step.source]];
      return step.kind === "takeover" ? [[step.node, step.from]] : [];
    });
  const peers = pairs.flatMap(([a, b]) => (a === node ? [b] : b === node ? [a] : []));
  return [...new Set(peers)].sort();
}

/** Which of the node's peers it cannot reach, in words. Changes nothing anywhere. */
export async function blockedPaths(context: ShardContext, node: string): Promise<string[]> {
  const problems = await Promise.all(
    peersOf(context.plan, node).map((peer) => blockedPath(context, node, peer)),
  );
  return problems.filter((problem) => problem !== null);
}

async function blockedPath(
  context: RunContext,
  node: string,
  peer: string,
): Promise<string | null> {
  const { agents, clock, stop } = context;
  const url = agents.urlOf(peer);
  for (let tries = 1; ; tries += 1) {
    let why: string | null;
    try {
      const answer = agents.of(node).reach({ node: peer, url });
      const { reached, error } = await unlessLeft(context, answer);
      if (reached) return null;
      why = `${node} cannot reach ${peer} at ${url}${error === null ? "" : ` (${error})`}`;
    } catch (error) {
      why = failureOf(asProblem(error), node, `reach ${peer}`).message;
    }
    if (tries >= TRIES)
      return `${why}: data and writes go between them, and back; open that path, or plan with other nodes`;
    await clock.sleep(BETWEEN_MS, stop.stopping);
    stopAtBoundary(context);
  }
}
