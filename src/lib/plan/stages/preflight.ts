import type { RouteNode } from "../../routing/table.js";
import { losslessUndo, type StageDraft, type Task } from "../draft.js";

/** Every node that takes part or learns the routes is asked before anything is touched. */
export function preflightStage(
  { copies }: Task,
  nodes: Readonly<Record<string, RouteNode>>,
): StageDraft {
  const bytesIn = new Map<string, bigint>();
  for (const { node, bytes } of copies) bytesIn.set(node, (bytesIn.get(node) ?? 0n) + bytes);
  const wave = Object.keys(nodes).map((node) => ({
    kind: "preflight" as const,
    node,
    bytesIn: bytesIn.get(node) ?? 0n,
  }));
  return {
    kind: "preflight",
    title: "every agent is reachable and has room",
    waves: [wave],
    undo: losslessUndo("nothing to undo"),
  };
}
