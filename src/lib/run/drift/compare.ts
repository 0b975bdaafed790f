import type { Keyspace } from "../../topology/types.js";
import { copyDifferences, copyNotes } from "./copies.js";
import { grouped } from "./group.js";
import { foreignKeyspaces, holderDifferences, holderNotes, holdersOf } from "./holders.js";
import { adoptCommand, mendRun } from "./mend.js";
import { lineagesOf, nodeDifferences } from "./nodes.js";
import { routeDifferences } from "./routes.js";
import type { Difference, Drift, Seen } from "./types.js";

/** What is not as the file says or as the last run left it, and what mends it. */
export function driftOf(seen: Seen): Drift {
  const { keyspaces } = seen.topology;
  const differences = grouped([
    ...nodeDifferences(seen),
    ...runDifferences(seen),
    ...foreignKeyspaces(seen),
    ...keyspaces.flatMap((keyspace) => [
      ...holderDifferences(seen, keyspace),
      ...routeDifferences(seen, keyspace),
      ...copyDifferences(seen, keyspace),
    ]),
  ]);
  const unknown = seen.silent.map((one) => ({ ...one, mend: startText(one.node, keyspaces) }));
  const notes = [
    ...stateNotes(seen),
    ...keyspaces.flatMap((keyspace) => [
      ...holderNotes(seen, keyspace),
      ...copyNotes(seen, keyspace),
    ]),
  ];
  return { differences, unknown, notes };
}

/** Runs that have not ended: what they began is neither as before nor as after. */
function runDifferences({ state }: Seen): Difference[] {
  const open = state?.runs.filter(({ status }) => status.activity !== "ended") ?? [];
  return open.map((run): Difference => {
    const { status, plan, isBusy } = run;
    const { direction, activity, soakUntil } = status;
    const standing =
      activity === "soaking" ? `soaks until ${soakUntil!}` : `${direction}, ${activity}`;
    const about = plan.keyspaces.map(({ id }) => id).join(", ");
    return {
      about: "run",
      keyspace: null,
      nodes: [],
      segments: [],
      wanted: "no run that has not ended",
      live: `run ${status.run} of ${about}: ${standing}${isBusy ? ", a process works on it" : ""}`,
      lastRun: null,
      mend: mendRun(run),
    };
  });
}

function startText(node: string, keyspaces: readonly Keyspace[]): string {
  const holds = keyspaces.filter((keyspace) => holdersOf(keyspace).has(node)).map(({ id }) => id);
  const what = holds.length === 0 ? "" : ` (by the file it holds ${holds.join(", ")})`;
  return `start the agent of ${node} on its data: ops agent serve --config FILE${what}`;
}

function stateNotes(seen: Seen): string[] {
  const { state, file } = seen;
  const lineages = lineagesOf(seen);
  if (state === null || state.lineage === null) {
    const known = lineages.length === 0 ? [] : [`the agents obey ${lineages.join(", ")}`];
    const adopt = lineages.length === 0 ? [] : [`${adoptCommand(file)} takes them over`];
    const text = ["no state directory: nothing was compared with a last run", ...known, ...adopt];
    return [text.join("; ")];
  }
  return state.damaged.map(({ run, todo }) => `run ${run} is damaged: ${todo}`);
}
