import { expect, test } from "vitest";
import { composePlan } from "../../src/lib/plan/region/compose.js";
import { leftOutLines } from "../../src/lib/report/left-out.js";
import { regionPlanText } from "../../src/lib/report/region-plan.js";
import { userPlanText } from "../../src/lib/report/user-plan.js";
import { planOf, proposed } from "../schedule/change/situation.js";

const TEXT = { verbose: false, width: 80 };

const dropped = (node: string, isRestored: boolean, ...urls: string[]) =>
  urls.map((url) => ({
    node,
    site: "sh-1",
    url,
    why: isRestored ? "not in the file" : "not in the file, and does not answer: ECONNREFUSED",
    isRestored,
  }));

test("each gateway that gets no logins any more has its addresses told, why, and whether a rollback mends it", () => {
  const plan = {
    dropped: [
      ...dropped("gw-3", false, "ws://gw-3:80/", "ws://gw-3:8080/"),
      ...dropped("gw-4", true, "ws://gw-4:80/"),
    ],
    unlisted: [{ node: "gw-5", site: "sh-2" }],
  };
  expect(leftOutLines(plan, TEXT).join("\n")).toBe(
    `  gone   gw-3 of sh-1 (ws://gw-3:80/, ws://gw-3:8080/): not in the file, and
         does not answer: ECONNREFUSED; no login is sent there any more, nor
         when this is taken back
  gone   gw-4 of sh-1 (ws://gw-4:80/): not in the file; no login is sent there
         until this is taken back
  stays  gw-5 of sh-2: not in the file, and not known to be gone; logins are
         sent there as before; its users are not counted, and told nothing`,
  );
  expect(leftOutLines({}, TEXT)).toEqual([]);
});

test("of many the first few are told, and how many more there are", () => {
  const many = {
    dropped: Array.from({ length: 20 }, (_, i) => dropped(`gw-${i}`, true, `ws://gw-${i}/`)).flat(),
  };
  const told = leftOutLines(many, TEXT);
  expect(told.filter((line) => line.includes("gone   gw-"))).toHaveLength(5);
  expect(told.at(-1)).toBe("  gone   and 15 more gateways (--verbose)");
  const all = leftOutLines(many, { ...TEXT, verbose: true });
  expect(all.filter((line) => line.includes("gone   gw-"))).toHaveLength(20);
});

test("the preview of users tells it, and that of a region", async () => {
  const plan = planOf(await proposed({ mode: "mask" }));
  const users = { ...plan, dropped: dropped("gw-3", false, "ws://gw-3:80/") };
  const { createdAt, topology, change } = plan;
  const about = { createdAt, topology, change, shards: null, stays: [], usersStay: null };
  const region = composePlan({ ...about, users });
  for (const text of [userPlanText(users, TEXT), regionPlanText(region, TEXT)])
    expect(text).toContain("  gone   gw-3 of sh-1 (ws://gw-3:80/): not in the file");
});
