import { confirm } from "../cli/confirm.js";
import { EXIT, type Exit } from "../errors.js";
import type { ChangeRequest } from "../run/change-users.js";
import type { RegionChange } from "../run/change-region.js";
import type { RunEnvironment } from "../run/session.js";
import type { RunSummary } from "../run/summary.js";
import type { TextOptions } from "../report/text-options.js";

/** What a command for a region has of its command line and its terminal. */
export interface RegionScreen {
  readonly flags: { readonly "dry-run": boolean; readonly yes: boolean };
  readonly options: TextOptions;
  print(text: string): void;
  told(env: RunEnvironment, run: string): Promise<RunSummary>;
  exitWith(code: Exit): void;
}

/**
 * Stops what runs in the scopes of `stops`, then plans, shows the plan and applies it. Exit 6 where access agents were not reached, or writes
 * stay where they should not be.
 */
export async function changeRegion(
  env: RunEnvironment,
  stops: readonly string[],
  planning: () => Promise<RegionChange>,
  screen: RegionScreen,
): Promise<object> {
  const { lookedAtText, regionPlanText, staysText } = await import("../report/region-plan.js");
  const { inForceText } = await import("../report/in-force.js");
  const { "dry-run": isDry, yes } = screen.flags;
  await makeWay(env, stops, screen);
  const { plan, already, silent, stays, usersStay, looked } = await planning();
  for (const one of already) screen.print(inForceText(one, screen.options));
  const told = { already, silent, stays, usersStay };
  const isPartial = silent.length > 0 || stays.length > 0 || usersStay !== null;
  if (plan === null) {
    for (const one of stays) screen.print(`stays: ${staysText(one)}`);
    if (usersStay !== null) screen.print(`users stay: ${usersStay}`);
    for (const { node, why } of silent) screen.print(`${node} does not answer: ${why}`);
    screen.print(lookedAtText(looked, screen.options));
    if (isPartial && !isDry) screen.exitWith(EXIT.partial);
    return { changes: false, ...told, looked };
  }
  screen.print(`${regionPlanText(plan, screen.options)}\n`);
  if (isDry) {
    screen.print("dry run: nothing was changed");
    return { dryRun: true, plan, ...told };
  }
  const { what, sites } = plan.change;
  await confirm(`Apply plan ${plan.hash.slice(0, 12)} (${what} ${sites.join(", ")})?`, { yes });
  const { applyPlan } = await import("../run/apply.js");
  const summary = await screen.told(env, await applyPlan(env, plan, { until: null }));
  if (isPartial) screen.exitWith(EXIT.partial);
  return { ...summary, ...told };
}

/** Tells what becomes of the writes, before users are simulated. Exit 6 where some stay. */
export async function rehearseWrites(
  { topology, topologyHash }: Pick<ChangeRequest, "topology" | "topologyHash">,
  region: string,
  way: "out" | "back",
  screen: RegionScreen,
): Promise<object> {
  const { rehearseComingHome, rehearseLeaving } = await import("../plan/region/rehearse.js");
  const { rehearsalText } = await import("../report/region-plan.js");
  const rehearse = way === "out" ? rehearseLeaving : rehearseComingHome;
  const createdAt = new Date().toISOString();
  const { plan, stays } = rehearse({ topology, topologyHash, createdAt }, region);
  const when =
    way === "out" ? "before users are told" : "once logins come back, before users are told";
  screen.print(`${rehearsalText({ plan, stays }, when, screen.options)}\n`);
  if (stays.length > 0) screen.exitWith(EXIT.partial);
  return { writes: { plan, stays } };
}

/** What is under way there is stopped first: a plan would be stale before it is read. */
async function makeWay(
  env: RunEnvironment,
  scopes: readonly string[],
  screen: RegionScreen,
): Promise<void> {
  const { "dry-run": isDry, yes } = screen.flags;
  const { lockHoldersOf, stopOthers } = await import("../run/stop-requests.js");
  const holders = await lockHoldersOf(env, scopes);
  if (holders.length === 0) return;
  const runs = [...new Set(holders.map(({ run }) => run))].join(", ");
  if (isDry) return screen.print(`run ${runs} would be stopped first, at its next safe boundary`);
  await confirm(`Stop run ${runs} at its next safe boundary? It can be taken up again.`, { yes });
  await stopOthers(env, holders);
}
