import { EXIT, OpsError } from "../../errors.js";
import { difference } from "../../keyspace/map.js";
import type { Segment } from "../../keyspace/segment.js";
import { formatSegment } from "../../keyspace/wire.js";
import {
  type Owner,
  asOwners,
  currentOwners,
  observedKeyspace,
  sameOwner,
} from "../../plan/holdings.js";
import type { Observed } from "../../plan/observed.js";
import { settingsText } from "../../plan/say.js";
import type { ShardPlan } from "../../plan/types.js";
import { sameSettings } from "../../routing/settings.js";

/**
 * Whether who holds what is still what the plan was made for.
 * @throws OpsError `stale-plan` (exit 4) that says what changed; what `currentOwners` throws when nobody can say who owns a part
 */
export function assertCurrent(plan: ShardPlan, observed: Observed): void {
  const changed = plan.keyspaces.flatMap(({ id, domain, settings, before }) => {
    const live = observedKeyspace(observed, id);
    const shape = { id, domain: domain.before, likely: before };
    const now = currentOwners(live, shape, observed.unreachable);
    const lines = difference(asOwners(before), now, sameOwner).map(
      ({ lo, hi, value }) =>
        `${id} [${lo}, ${hi}): ${ownerText(value.before)} when the plan was made, ${ownerText(value.after)} now`,
    );
    if (now.length === 0) return lines;
    const routes = live.routes === null || live.routes.withdrawn ? null : live.routes;
    const routed = routes === null ? null : routes.domain;
    if (routed?.lo !== domain.before?.lo || routed?.hi !== domain.before?.hi) {
      lines.push(
        `${id}: routes of ${coverText(domain.before)} when the plan was made, of ${coverText(routed)} now`,
      );
    } else if (routes !== null && !sameSettings(settings.before, routes.settings))
      lines.push(`${id}: now ${settingsText(settings.before, routes.settings)}`);
    return lines;
  });
  if (changed.length === 0) return;
  const shown = changed
    .slice(0, 20)
    .map((line) => `\n  ${line}`)
    .join("");
  throw new OpsError(
    "stale-plan",
    EXIT.stale,
    `The plan was made for a state that is no more; nothing was changed:${shown}`,
    {
      hint: "make a new plan (ops shard plan), or look at what happened (ops run list, ops agent status)",
      details: changed,
    },
  );
}

function coverText(domain: Segment | null): string {
  return domain === null ? "nothing" : formatSegment(domain);
}

/** `shard p0 on a1 with b1`. */
export function ownerText(owner: Owner | null): string {
  if (owner === null) return "nobody's";
  const { shard, primary, replicas } = owner;
  return `shard ${shard} on ${primary}${replicas.length === 0 ? "" : ` with ${replicas.join(", ")}`}`;
}
