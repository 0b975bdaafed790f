import { durationText } from "../../../figures.js";
import type { SafetyRule } from "./rule.js";

export const ttl: SafetyRule = {
  id: "ttl",
  checks:
    "The entry lasts longer than it takes to move the users: else they come back while others still leave.",
  find({ intent: { mode, ttlMs }, pace: { seconds } }) {
    if (mode === "mask" || seconds * 1_000 < ttlMs) return [];
    return [
      `to move the users takes ${durationText(seconds * 1_000)}, and it ends after ${durationText(ttlMs)}`,
    ];
  },
};
