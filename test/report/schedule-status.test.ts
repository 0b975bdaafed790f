import { expect, test } from "vitest";
import type { EntryLevel } from "../../src/lib/agent/protocol/access.js";
import { scheduleStatusText } from "../../src/lib/report/schedule-status.js";
import type { AccessSeen } from "../../src/lib/run/observe-access.js";
import { scheduleStatus } from "../../src/lib/run/schedule-status.js";
import { NO_POLICY } from "../../src/lib/schedule/change/policy-part.js";
import type { Situation } from "../../src/lib/schedule/change/situation.js";
import { parseTopology } from "../../src/lib/topology/parse.js";
import { DAY, entry, threeSites } from "../policy/policies.js";

const C = "capacity: { memory: 1GiB, ops: 50k, network: 1Gbps }";
const gateways = (...ids: string[]) =>
  ids.map((id) => `${id}: { agent: "http://${id}:7000", ${C} }`).join(", ");
const set = (id: string, users: string, nodes: string) =>
  `          ${id}: { capacity: { onlineUsers: ${users}, loginsPerSecond: 200 }, access: { nodes: { ${nodes} } } }\n`;
const dispatcher = (id: string) => `, ${id}: { agent: "http://${id}:7000", role: dispatch, ${C} }`;

const TOPOLOGY = parseTopology(
  `version: 1
name: users
regions:
  east:
    idcs:
      east-1:
        carriers: [telecom, unicom]
        sets:
${set("a", "2k", gateways("ga") + dispatcher("d1"))}${set("b", "4k", gateways("gb1", "gb2") + dispatcher("d2"))}${set("c", "1k", gateways("gc") + dispatcher("d3"))}keyspaces: {}
`,
  "t",
);

const MINUTE = 60_000;
const NOW = DAY;
const MASK = entry({
  id: "a-1",
  site: "a",
  carrier: "telecom",
  port: 443,
  expires: NOW + 29 * MINUTE,
});
const WEAK = entry({ id: "c-1", site: "c", mode: "weak", expires: NOW - 5 * MINUTE });

const UNWELL = {
  loss: 0.5,
  addresses: [{ url: "ws://c", node: "gc2", connects: false, loss: 1 }],
};

const level = (id: string, share: number, held = false): EntryLevel => ({
  entry: id,
  level: share,
  held,
  unwell: held ? UNWELL : null,
});

function seen(fields: Partial<AccessSeen> & Pick<AccessSeen, "node" | "site">): AccessSeen {
  return { role: "gateway", version: 7, levels: [], quality: [], isLeftOut: false, ...fields };
}

const quality = (site: string, carrier: string, samples: number, loss: number | null) => ({
  site,
  carrier,
  province: "hunan",
  samples,
  rttMs: 10,
  rttVariance: null,
  loss,
});

/** `gb2` is silent, `d2` has not heard of `c-1`, `d3` has no policy. */
function survey() {
  const sessions = (carrier: string, count: number) => ({
    carrier,
    province: "hunan",
    port: 443,
    sessions: count,
  });
  const gateway = (node: string, site: string, telecom: number, unicom: number, now: number) => ({
    node,
    site,
    groups: [sessions("telecom", telecom), sessions("unicom", unicom)],
    logins: { limit: 100, perSecond: now },
  });
  const situation: Situation = {
    now: NOW,
    policy: { ...threeSites([MASK, WEAK]), version: 7 },
    unlisted: [],
    offered: threeSites([]).sites,
    gateways: [
      gateway("ga", "a", 400, 600, 12),
      gateway("gb1", "b", 1_000, 2_600, 80),
      gateway("gc", "c", 30, 20, 0),
    ],
    dispatchers: ["d1", "d2", "d3"],
    over: [],
    silent: [{ node: "gb2", role: "gateway", site: "b", why: "timeout" }],
  };
  const agents = [
    seen({
      node: "d1",
      site: "a",
      role: "dispatch",
      levels: [level("a-1", 1), level("c-1", 0.4, true)],
    }),
    seen({ node: "d2", site: "b", role: "dispatch", version: 6, levels: [level("a-1", 1)] }),
    seen({ node: "d3", site: "c", role: "dispatch", version: null }),
    seen({
      node: "ga",
      site: "a",
      quality: [quality("a", "telecom", 300, 0.2), quality("a", "unicom", 100, 0)],
    }),
    seen({ node: "gb1", site: "b", quality: [quality("b", "unicom", 300, 0.01)] }),
    seen({ node: "gc", site: "c", quality: [quality("c", "telecom", 3, null)] }),
  ];
  return { situation, agents };
}

/** Of `c` some are kept away from, of `b` nobody. */
const ELSEWHERE = ["b", "c"].map((home) => {
  return { node: "ga", site: "a", home, carrier: "telecom", province: "hunan", sessions: 40 };
});
const NOBODY = { elsewhere: [], silent: [] };
const status = scheduleStatus(TOPOLOGY, survey(), { elsewhere: ELSEWHERE, silent: [] });

test("how users and sites are, for people", () => {
  expect(`\n${scheduleStatusText(status, { width: 80, verbose: false })}\n`).toBe(`
users: 4,650 users online, policy 7

site  users online                    logins/s   gateways  loss   kept away by
a     1.0k of 2.0k  █████·····   50%  12 of 100  1 of 1    15.0%  mask
b     3.6k of 4.0k  █████████·   90%  80 of 100  1 of 2    1.0%
c     50 of 1.0k    █·········    5%  0 of 100   1 of 1    ?      weak

carrier  users online  loss
telecom  1,430         20.0%
unicom   3,220         0.8%

Kept away
  a  mask for users of telecom on port 443, by li: rising loss
     29m 00s left, then users come back, 10% each 1m 00s
     not in force at d3
  c  weak disable for users, by li: rising loss
     expired 5m 00s ago, ramping back: 40% still kept away; held: the site is
     not well
     gc2 (ws://c) takes no connections, 100% of what was measured to it is lost;
     of all ways to the site 50% is lost
     gc2: start it again; or, gone for good, take it out of the file, then ops
     schedule restore c
     not in force at d2, d3

Elsewhere
  b: 40 users who belong there and whom nothing keeps away are connected
      elsewhere, until they log in again (ops schedule restore b)

Access agents
  d2 (dispatch of b) has the older policy 6
  d3 (dispatch of c) has no policy
  gb2 (gateway of b) does not answer: timeout
`);
});

test("where no gateway answers nobody knows who is online, and it is not told that nobody is", () => {
  const { situation, agents } = survey();
  const dead = {
    ...situation,
    gateways: situation.gateways.filter(({ site }) => site !== "a"),
    silent: [...situation.silent, { node: "ga", role: "gateway" as const, site: "a", why: "dead" }],
  };
  const some = scheduleStatus(TOPOLOGY, { situation: dead, agents }, NOBODY);
  expect(some).toMatchObject({
    online: 3_650,
    sites: [{ id: "a", online: null, logins: null }, {}, {}],
  });
  const text = scheduleStatusText(some, { width: 80, verbose: false });
  expect(text).toContain("users: 3,650 users online without 1 site that nobody counts, policy 7");
  expect(text).toMatch(/^a {5}\? of 2.0k +\? +0 of 1 +15.0%/m);

  const none = scheduleStatus(
    TOPOLOGY,
    { situation: { ...situation, gateways: [] }, agents: [] },
    NOBODY,
  );
  expect(none.carriers).toMatchObject([{ online: null }, { online: null }]);
  expect(none.sites.map(({ strayed }) => strayed)).toEqual([null, null, null]);
  const told = scheduleStatusText(none, { width: 80, verbose: false });
  expect(told).toContain("users: no gateway answers, so nobody knows who is online, policy 7");
  expect(told).toMatch(/^telecom +\? +\?$/m);
});

test("who is elsewhere is told of a site only where the gateways of all the others have said it", () => {
  const why = "asked who belongs elsewhere: HTTP 404";
  const older = { node: "ga", role: "gateway" as const, site: "a", why };
  const one = scheduleStatus(TOPOLOGY, survey(), { elsewhere: [], silent: [older] });
  expect(one.sites.map(({ strayed }) => strayed)).toEqual([0, null, null]);
  expect(one.silent.map(({ node }) => node)).toEqual(["gb2", "ga"]);
  expect(scheduleStatusText(one, { width: 80, verbose: false })).toContain(
    `ga (gateway of a) does not answer: ${why}`,
  );
});

test("a topology without access nodes is told to have none, not nobody online", () => {
  const { nodes, ...rest } = TOPOLOGY;
  const bare = { ...rest, nodes: nodes.filter(({ layer }) => layer !== "access") };
  const { situation } = survey();
  const nobody = { ...situation, policy: NO_POLICY, gateways: [], silent: [] };
  const text = scheduleStatusText(scheduleStatus(bare, { situation: nobody, agents: [] }, NOBODY), {
    width: 80,
    verbose: false,
  });
  expect(text.replace(/\s+/g, " ")).toContain(
    "users: no access nodes with an agent, so nobody knows who is online, no policy yet",
  );
  expect(text).toMatch(/^a {5}\? of 2.0k +\? +none +\?$/m);
  expect(text).not.toMatch(/\b0 of 0\b|\b0%/);
});

test("dispatchers that do not agree are told apart, and everything is told if it is asked for", () => {
  const { situation, agents } = survey();
  const further = agents.map((one) =>
    one.node === "d2" ? { ...one, version: 7, levels: [level("a-1", 1), level("c-1", 0.5)] } : one,
  );
  const text = scheduleStatusText(
    scheduleStatus(TOPOLOGY, { situation, agents: further }, NOBODY),
    {
      width: 80,
      verbose: true,
    },
  );
  expect(text).toContain("the dispatchers differ: d1 40% (held), d2 50%");
  expect(text).toContain("kept away at d1 100%, d2 100%");
  expect(text).toContain("ga (gateway of a) has policy 7");
});

test("of many sites those are listed that are full or not well", () => {
  const [well] = status.sites;
  const sites = Array.from({ length: 30 }, (_, i) => ({
    ...well!,
    id: `s${i}`,
    online: i,
    entries: [],
    gateways: { answering: i === 0 ? 0 : 1, all: 1 },
  }));
  const text = scheduleStatusText({ ...status, sites }, { width: 80, verbose: false });
  expect(text).toContain("10 sites more, each less full and well");
  const listed = text.split("\n").filter((line) => /^s\d/.test(line));
  expect(listed.map((line) => line.split(" ")[0])).toEqual([
    "s0",
    ...Array.from({ length: 19 }, (_, i) => `s${i + 11}`),
  ]);
});
