import { countText } from "../../../figures.js";
import type { Shortage } from "../../assign/shortage.js";
import type { SafetyRule } from "./rule.js";

export const room: SafetyRule = {
  id: "room",
  checks: "The sites that are left hold everyone, in total and of each carrier.",
  find({ assignment: { shortage } }) {
    return noRoom(shortage);
  },
};

export function noRoom(shortage: Shortage | null): string[] {
  if (shortage === null) return [];
  const { users, limits, missing } = shortage;
  const who = users.map(({ carrier, users: n }) => `${countText(n)} of ${carrier}`).join(", ");
  const full = limits.map(
    ({ what, sites, users: most }) => `${sites.join(" + ")}: ${countText(most)} ${what}`,
  );
  const why = full.length === 0 ? "no site is left for them" : `full are ${full.join("; ")}`;
  return [`${countText(missing)} users have no place (${who} compete): ${why}`];
}
