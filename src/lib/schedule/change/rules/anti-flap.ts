import { durationText } from "../../../figures.js";
import type { Situation } from "../situation.js";
import type { SafetyRule } from "./rule.js";

/** Two changes of one site within this are more likely a mistake than a wish, ms. */
const APART_MS = 60_000;

export const antiFlap: SafetyRule = {
  id: "anti-flap",
  checks: "The last change of the site is a minute ago or longer.",
  find: ({ intent: { sites }, situation }) => changedJustNow(sites, situation),
};

export function changedJustNow(
  sites: readonly string[],
  { policy, now }: Pick<Situation, "policy" | "now">,
): string[] {
  return policy.entries.flatMap(({ site, mode, since, expires, actor }) => {
    // The end of an entry is a change too.
    const last = now < expires ? since : Math.max(since, expires);
    return sites.includes(site) && now - last < APART_MS
      ? [`${site} was changed ${durationText(now - last)} ago (${mode}, by ${actor})`]
      : [];
  });
}
