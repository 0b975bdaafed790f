import { countText } from "../../../figures.js";
import type { SafetyRule } from "./rule.js";

/** Sums of shares may be off in their last digits. */
const SLACK = 1e-6;

export const loginRate: SafetyRule = {
  id: "login-rate",
  checks: "No receiver gets more logins a second than it takes, beside those that it has.",
  find({ receivers, intent: { mode } }) {
    if (mode === "mask") return [];
    return receivers.flatMap(({ site, logins: { now, planned, limit } }) =>
      planned !== null && planned <= limit * (1 + SLACK)
        ? []
        : [
            now >= limit
              ? `${site} has ${countText(now)} logins/s of the ${countText(limit)} that it takes: none are to spare`
              : planned !== null
                ? `${site} would get ${countText(planned)} logins/s (${countText(now)} now), and takes ${countText(limit)}`
                : `${site} would get all at once, and takes ${countText(limit)} logins/s`,
          ],
    );
  },
};
