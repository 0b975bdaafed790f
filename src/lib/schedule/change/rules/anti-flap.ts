import { durationText } from "../../../figures.js";
import type { SiteChange } from "../../../policy/document.js";
import type { Situation } from "../situation.js";
import type { SafetyRule } from "./rule.js";

/** Two changes of one site within this are more likely a mistake than a wish, ms. */
const APART_MS = 60_000;

/** They change sites all over the service, in the middle of which one of them may have to be masked. */
const OF_EVERYWHERE: readonly string[] = ["drill", "balance"];

export const antiFlap: SafetyRule = {
  id: "anti-flap",
  checks: "The last change of the site is a minute ago or longer.",
  // Users who have just been sent to a site that begins to burn do not have to stay there.
  find: ({ intent: { sites }, situation }) =>
    changedJustNow(
      sites,
      situation,
      ({ what, isReceiver }) => !isReceiver && !OF_EVERYWHERE.includes(what),
    ),
};

/**
 * Times are by the clock of whoever made a change: what is further ahead of this one than a clock should be says nothing about when it was.
 * `minds`: of the changes that runs have left in the policy those that count; entries do in any case.
 */
export function changedJustNow(
  sites: readonly string[],
  { policy, now }: Pick<Situation, "policy" | "now">,
  minds: (change: SiteChange) => boolean = () => true,
): string[] {
  return sites.flatMap((site) => {
    const entries = policy.entries
      .filter((entry) => entry.site === site)
      .map(({ mode: what, since, expires, actor }) => {
        // The end of an entry is a change too.
        const at = now < expires ? since : Math.max(since, expires);
        return { at, what, actor, isUndo: false };
      });
    const changes = (policy.changes ?? []).filter((one) => one.site === site && minds(one));
    const [last] = [...changes, ...entries]
      .filter(({ at }) => at - now <= APART_MS)
      .toSorted((a, b) => b.at - a.at);
    if (last === undefined || now - last.at >= APART_MS) return [];
    const { what, isUndo, actor, at } = last;
    const how = `${what}${isUndo ? " taken back" : ""}, by ${actor}`;
    return [`${site} was changed ${durationText(now - at)} ago (${how})`];
  });
}
