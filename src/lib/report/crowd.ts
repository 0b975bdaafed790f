import type { CrowdFigures } from "../demo/sessions/figures.js";
import { durationText, groupedText } from "../figures.js";

/** Where users are connected, and what has happened to them so far. */
export function crowdText({
  users,
  online,
  bySite,
  moves,
  lost,
  failedLogins,
  longestMsWithout,
}: CrowdFigures): string {
  const sites = Object.entries(bySite)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([site, there]) => `${site} ${groupedText(there)}`);
  const cut = Object.values(lost).reduce((sum, one) => sum + one, 0);
  const happened = [
    ...(moves > 0 ? [`${groupedText(moves)} moved when told to`] : []),
    ...(cut > 0
      ? [`${groupedText(cut)} sessions lost, ${durationText(longestMsWithout)} at the most`]
      : []),
    ...(failedLogins > 0 ? [`${groupedText(failedLogins)} logins failed`] : []),
  ];
  const where = sites.length === 0 ? [] : [sites.join(", ")];
  return [`${groupedText(online)} of ${groupedText(users)} connected`, ...where, ...happened].join(
    "; ",
  );
}
