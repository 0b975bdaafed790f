import { type Piece, clip, gaps } from "../../keyspace/map.js";
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

/** The same for parts that one owner is to have: of the ways out of a run only the one that leads there. */
export function mendHolders(
  seen: Seen,
  keyspace: string,
): (part: Segment, wanted: Owner | null) => readonly string[] {
  const run = openRun(seen, keyspace);
  const all = mendByPlan(seen, keyspace);
  if (run === null || run.isBusy) return () => all;
  const [on, back] = all;
  const { before, after } = run.plan.keyspaces.find(({ id }) => id === keyspace)!;
  const isBack = run.status.direction === "undo";
  const goal = asOwners(isBack ? before : after);
  const start = asOwners(isBack ? after : before);
  return (part, wanted) => {
    if (on !== undefined && isHeldBy(goal, part, wanted)) return [on];
    return back !== undefined && isHeldBy(start, part, wanted) ? [back] : all;
  };
}

/** Null: by nobody. */
function isHeldBy(owners: readonly Piece<Owner>[], part: Segment, wanted: Owner | null): boolean {
  const held = clip(owners, part);
  if (wanted === null) return held.length === 0;
  return gaps(held, part).length === 0 && held.every(({ value }) => sameOwner(value, wanted));
}

function isAbout({ keyspaces }: SeenRun["plan"], keyspace: string): boolean {
  return keyspaces.some(({ id }) => id === keyspace);
}
