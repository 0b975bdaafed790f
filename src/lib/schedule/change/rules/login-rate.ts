import { countText } from "../../../figures.js";
import type { ReceiverView } from "../../../plan/users/types.js";
import type { SafetyRule } from "./rule.js";

/** Sums of shares may be off in their last digits. */
const SLACK = 1e-6;

export const loginRate: SafetyRule = {
  id: "login-rate",
  checks: "No receiver gets more logins a second than it takes, beside those that it has.",
  find({ receivers, intent: { mode } }) {
    return mode === "mask" ? [] : tooManyLogins(receivers);
  },
};

export function tooManyLogins(
  receivers: readonly Pick<ReceiverView, "site" | "logins">[],
): string[] {
  return receivers.flatMap(({ site, logins: { now, planned, limit } }) => {
    if (planned !== null && planned <= limit * (1 + SLACK)) return [];
    if (now >= limit)
      return [
        `${site} has ${countText(now)} logins/s of the ${countText(limit)} that it takes: none are to spare`,
      ];
    if (planned === null)
      return [`${site} would get all at once, and takes ${countText(limit)} logins/s`];
    const rates = `${countText(planned)} logins/s (${countText(now)} now)`;
    return [`${site} would get ${rates}, and takes ${countText(limit)}`];
  });
}
