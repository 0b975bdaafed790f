import { countText } from "../../../figures.js";
import type { ReceiverView } from "../../../plan/users/types.js";
import type { Paced } from "../pace.js";
import type { SafetyRule } from "./rule.js";

/** Sums of shares may be off in their last digits. */
const SLACK = 1e-6;

export const loginRate: SafetyRule = {
  id: "login-rate",
  checks: "No receiver gets more logins a second than it takes, beside those that it has.",
  find({ receivers, pace, intent: { mode } }) {
    return mode === "mask" ? [] : tooManyLogins(receivers, pace);
  },
};

export function tooManyLogins(
  receivers: readonly Pick<ReceiverView, "site" | "logins">[],
  { spent }: Pick<Paced, "spent">,
): string[] {
  return receivers.flatMap(({ site, logins: { now, planned, limit } }) => {
    if (planned !== null && planned <= limit * (1 + SLACK)) return [];
    const has = `${site} has ${countText(now)} logins/s of the ${countText(limit)} that it takes`;
    if (now >= limit) return [`${has}: none are to spare now`];
    if (spent.includes(site))
      return [
        `${has}: none are to spare now beside those that the users who come make by themselves`,
      ];
    // The others of a pace that there is not are not in the way.
    if (planned === null && spent.length > 0) return [];
    if (planned === null)
      return [`${site} would get all at once, and takes ${countText(limit)} logins/s`];
    const rates = `${countText(planned)} logins/s (${countText(now)} now)`;
    return [`${site} would get ${rates}, and takes ${countText(limit)}`];
  });
}
