import { expect, test } from "vitest";
import { lookedAtText } from "../../src/lib/report/region-plan.js";

test("where nothing of a region is to move it is told what was looked at", () => {
  const told = (sites: string[], keyspaces: string[], answering: number, all: number) =>
    lookedAtText({ sites, keyspaces, nodes: { answering, all } }, { width: 80, verbose: false });
  expect(told(["sh-1-a", "sh-1-b"], ["profile", "status"], 4, 5)).toBe(
    `nothing is changed: there is nothing to move that could be moved
  looked at, of users: entries of the policy for sh-1-a, sh-1-b
  looked at, of writes: who writes profile, status, on 4 of 5 data nodes that
    answer`,
  );
  expect(told([], [], 0, 0)).toMatch(/no access agents\n.*no data agents$/);
});
