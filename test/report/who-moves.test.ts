import { expect, test } from "vitest";
import { decodeStoredPlan, encodePlan } from "../../src/lib/plan/encode.js";
import type { UserPlan } from "../../src/lib/plan/users/types.js";
import { userPlanText } from "../../src/lib/report/user-plan.js";
import { movesText, whoMovesLines } from "../../src/lib/report/who-moves.js";
import type { Intent } from "../../src/lib/schedule/change/intent.js";
import { planKeepAway } from "../../src/lib/schedule/change/keep-away.js";
import { SAFETY_RULES } from "../../src/lib/schedule/change/rules/registry.js";
import { usersOnline } from "../../src/lib/schedule/change/situation.js";
import { TIANJIN, leaveTianjin, small } from "../schedule/simulate/services.js";

const TEXT = { verbose: false, width: 80 };

/** `dead`: sites of which no gateway answers. */
async function planned(
  intent: Partial<Intent>,
  dead: readonly string[] = [],
): Promise<{ plan: UserPlan; online: ReturnType<typeof usersOnline> }> {
  const service = await small();
  const { gateways } = service.situation;
  const situation = {
    ...service.situation,
    gateways: gateways.filter(({ site }) => !dead.includes(site)),
    silent: gateways
      .filter(({ site }) => dead.includes(site))
      .map(({ node, site }) => ({ node, site, role: "gateway" as const, why: "ECONNREFUSED" })),
  };
  const wanted = leaveTianjin({ overrides: SAFETY_RULES.map(({ id }) => id), ...intent });
  const plan = await planKeepAway(service, situation, wanted, (site) => site, service.context);
  return { plan, online: usersOnline(service.situation) };
}

test("a plan has each carrier and province that moves, and how many of them, between every two sites", async () => {
  const { plan, online } = await planned({});
  const who = new Map<string, number>();
  for (const { from, carrier, province, users } of plan.moves) {
    const key = JSON.stringify([from, carrier, province]);
    who.set(key, (who.get(key) ?? 0) + users);
  }
  const there = online.filter(({ site }) => TIANJIN.includes(site!));
  expect(who.size).toBe(there.length);
  for (const { site, carrier, province, users } of there)
    expect(who.get(JSON.stringify([site, carrier, province]))).toBeCloseTo(users, 3);
  expect(decodeStoredPlan(encodePlan(plan), "plan")).toEqual(plan);
});

test("the table has a row for every way with all carriers on it, in 80 columns", async () => {
  const { plan } = await planned({});
  const lines = whoMovesLines(plan, TEXT).join("\n").split("\n");
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
  const table = lines.slice(lines.indexOf("Who moves") + 1).join("\n");
  const ways = new Set(plan.moves.map(({ from, to }) => `${from} -> ${to}`));
  for (const way of ways) expect(table.split(way)).toHaveLength(2);
  const carriers = new Set(plan.moves.map(({ carrier }) => carrier));
  expect(carriers.size).toBeGreaterThan(2);
  for (const carrier of carriers)
    expect(table).toMatch(new RegExp(`${carrier} \\d|k +${carrier}$`, "m"));
});

test("carriers for whom there is no room are counted, and none stands for the others", async () => {
  const { plan } = await planned({});
  const [move] = plan.moves;
  const many = Array.from({ length: 12 }, (_, i) => ({
    ...move!,
    carrier: `net-${i}`,
    users: 1_000 - i,
  }));
  const row = (moves: UserPlan["moves"], width: number) =>
    whoMovesLines({ ...plan, moves, receivers: [] }, { ...TEXT, width }).at(-1);
  const { from, to } = move!;
  expect(row(many, 80)).toMatch(
    new RegExp(`${from} -> ${to} +11.9k +net-0 1.0k, net-1 999, .* and \\d+ more carriers$`),
  );
  const long = many.map((one) => ({ ...one, carrier: one.carrier.padEnd(60, "x") }));
  expect(row(long, 80)).toMatch(/ 12 carriers$/);
  expect(row(many.slice(0, 1), 80)).toMatch(/1.0k +net-0$/);
});

test("of a site of which no gateway answers it is not told how many move, nor how fast", async () => {
  const { plan } = await planned({ mode: "strong" }, TIANJIN);
  expect(plan.uncounted).toEqual(TIANJIN);
  const text = userPlanText(plan, TEXT).replace(/\s+/g, " ");
  expect(text).toContain(
    "nobody knows how many of tj-1-a, tj-1-b, tj-2-a, where no gateway answers",
  );
  expect(text).toMatch(
    /an estimate by the policy and the users of the others is \S+, some of whom/,
  );
  expect(text).not.toMatch(/ a second|no pace takes/);
  expect(text).toMatch(/tj-1-a -> \S+ about /);
  expect(text).toMatch(/-> about \S+ users .* logins\/s \S+ -> \? of /);
});

test("where some sites of many are dead, the others are told with their pace, and these besides", async () => {
  const { plan } = await planned({ mode: "strong" }, ["tj-2-a"]);
  expect(plan.uncounted).toEqual(["tj-2-a"]);
  const counted = plan.moves
    .filter(({ from }) => from !== "tj-2-a")
    .reduce((sum, { users }) => sum + users, 0);
  const { perSecond, seconds } = plan.pace;
  expect(perSecond! * seconds).toBeGreaterThan(0.5 * counted);
  expect(perSecond! * seconds).toBeLessThanOrEqual(counted * 1.001);
  expect(movesText(plan)).toMatch(
    /^\S+ users, \S+ a second: .*; besides, nobody knows how many of /,
  );
  expect(whoMovesLines(plan, TEXT).join("\n")).toMatch(/-> \d+ and more of /);
});

test("where no gateway answers anywhere there is not even an estimate", async () => {
  const { plan: all } = await planned({});
  const sites = [...new Set([...TIANJIN, ...all.receivers.map(({ site }) => site)])];
  const { plan } = await planned({ mode: "strong" }, sites);
  expect(plan.moves).toEqual([]);
  expect(movesText(plan)).toContain("there is not even an estimate");
});
