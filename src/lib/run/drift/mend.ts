import { type Piece, intersect } from "../../keyspace/map.js";
import type { Segment } from "../../keyspace/segment.js";
import { type Owner, asOwners, sameOwner } from "../../plan/holdings.js";
import { nextCommands } from "../summary.js";
import type { Seen, SeenRun } from "./types.js";

/** The run of the keyspace that has not ended; null for none. */
export function openRun({ state }: Seen, keyspace: string): SeenRun | null {
  const mine = state?.runs.filter(({ plan }) => isAbout(plan, keyspace)) ?? [];
  return mine.find(({ status }) => status.activity !== "ended") ?? null;
}

/** The run that was the last to change who holds the keyspace, and is over; null for none. */
export function lastRun({ state }: Seen, keyspace: string): SeenRun | null {
  return state?.runs.findLast(({ plan }) => isAbout(plan, keyspace)) ?? null;
}

/** Who holds what once that run is over. */
export function leftBy({ status, plan }: SeenRun, keyspace: string): Piece<Owner>[] {
  const found = plan.keyspaces.find(({ id }) => id === keyspace)!;
  return asOwners(status.outcome === "rolled-back" ? found.before : found.after);
}

/** What can be typed about a run. */
export function mendRun({ status, isBusy }: SeenRun): string[] {
  return isBusy ? [`ops run show ${status.run} --watch`] : nextCommands(status);
}

/** What makes a keyspace as the file says: its run comes first, where it has one. */
export function mendByPlan(seen: Seen, keyspace: string): string[] {
  const run = openRun(seen, keyspace);
  return run === null ? [`ops shard plan -t ${seen.file} -o plan.json`] : mendRun(run);
}

/** What makes its routes as its holders are. */
export function mendByAdopting(seen: Seen, keyspace: string): string[] {
  const run = openRun(seen, keyspace);
  return run === null ? [adoptCommand(seen.file)] : mendRun(run);
}

export function adoptCommand(file: string): string {
  return `ops agent adopt -t ${file}`;
}

/** The same for a part that one owner is to have: of the ways out of a run only the one that leads there. */
export function mendHolders(
  seen: Seen,
  keyspace: string,
  part: Segment,
  wanted: Owner | null,
): string[] {
  const run = openRun(seen, keyspace);
  if (run === null || run.isBusy || wanted === null) return mendByPlan(seen, keyspace);
  const [on, back] = nextCommands(run.status);
  const { before, after } = run.plan.keyspaces.find(({ id }) => id === keyspace)!;
  const [goal, start] = run.status.direction === "undo" ? [before, after] : [after, before];
  const leadsTo = (holdings: typeof before) =>
    intersect([{ ...part, value: wanted }], asOwners(holdings)).every(({ value: [a, b] }) =>
      sameOwner(a, b),
    );
  if (on !== undefined && leadsTo(goal)) return [on];
  if (back !== undefined && leadsTo(start)) return [back];
  return mendRun(run);
}

function isAbout({ keyspaces }: SeenRun["plan"], keyspace: string): boolean {
  return keyspaces.some(({ id }) => id === keyspace);
}
