import type { UserPlan, UserStep } from "../../../src/lib/plan/users/types.js";
import { assign } from "../../../src/lib/schedule/assign/assign.js";
import type { PlanContext } from "../../../src/lib/schedule/change/assemble.js";
import type { Intent } from "../../../src/lib/schedule/change/intent.js";
import { planOfProposal, secondsOfProposal } from "../../../src/lib/schedule/change/plan.js";
import { problemNow } from "../../../src/lib/schedule/change/problem.js";
import { type Proposal, proposalOf } from "../../../src/lib/schedule/change/proposal.js";
import { type Objection, objectionsTo } from "../../../src/lib/schedule/change/rules/registry.js";
import type { GatewaySeen, Situation } from "../../../src/lib/schedule/change/situation.js";
import type { Entry, PolicyDocument } from "../../../src/lib/policy/document.js";
import { cut } from "../../../src/lib/policy/cut.js";
import { parseTopology } from "../../../src/lib/topology/parse.js";
import type { Problem } from "../../../src/lib/schedule/types.js";
import { GATES } from "../../support/gates.js";

export const NOW = Date.UTC(2026, 0, 1);
export const SITES = ["sh-a", "sz-a", "tj-a"];
export const CLASSES = ["telecom", "unicom"].flatMap((carrier) =>
  ["guangdong", "hebei"].map((province) => ({ carrier, province })),
);
export const TOPOLOGY = parseTopology(
  `version: 1
name: sites
regions:
${SITES.map(
  (site) => `  ${site.slice(0, 2)}:
    idcs:
      ${site.slice(0, 2)}-1:
        carriers: [telecom${site === "tj-a" ? "" : ", unicom"}]
        sets: { ${site}: { capacity: { onlineUsers: 500, loginsPerSecond: 100 } } }
`,
).join("")}keyspaces: {}
demand: { onlineUsers: 600, carriers: { telecom: 50%, unicom: 50% }, provinces: { guangdong: 50%, hebei: 50% } }
`,
  "sites.yaml",
);

/** Each site has its third of telecom, the first two a half of unicom each. */
export const POLICY: PolicyDocument = {
  v: 1,
  version: 7,
  sites: Object.fromEntries(
    SITES.map((site, i) => [
      site,
      {
        region: site.slice(0, 2),
        carriers: site === "tj-a" ? ["telecom"] : ["telecom", "unicom"],
        addresses: [
          { url: `ws://${site}:80`, port: 80 },
          { url: `ws://${site}:${8080 + i}`, port: 8080 },
        ],
      },
    ]),
  ),
  classes: CLASSES.map(({ carrier, province }) => {
    const open = carrier === "telecom" ? SITES : SITES.slice(0, 2);
    return {
      carrier,
      province,
      base: cut([], new Map(open.map((site) => [site, 1 / open.length]))),
    };
  }),
  entries: [],
};

export function gateway(site: string, sessions: number, perSecond = 2): GatewaySeen {
  const open = CLASSES.filter(({ carrier }) => carrier === "telecom" || site !== "tj-a");
  const groups = open.map((one) => ({ ...one, port: 80, sessions: sessions / open.length }));
  return { node: `${site}-gw`, site, groups, logins: { limit: 100, perSecond } };
}

export const SITUATION: Situation = {
  now: NOW,
  policy: POLICY,
  unlisted: [],
  offered: POLICY.sites,
  gateways: SITES.map((site) => gateway(site, 200)),
  dispatchers: ["dp"],
  over: [],
  silent: [],
};

export const INTENT: Intent = {
  mode: "weak",
  empties: false,
  sites: ["sh-a"],
  filter: { carrier: null, province: null, port: null },
  reason: "loss",
  actor: "me@here",
  ttlMs: 600_000,
  ramp: { step: 0.1, everyMs: 1_000 },
  pace: { kind: "auto" },
  overrides: [],
};

/** Where users may be, by what is online: `sh-a` is the best for everyone, `tj-a` the worst. */
export function problemOf(situation: Situation, closed: Problem["closed"] = []): Problem {
  return problemNow(TOPOLOGY, TOPOLOGY.demand!, situation, closed, COSTS);
}

export const COSTS = () => [10, 20, 30];

export async function proposed(
  intent: Partial<Intent> = {},
  situation: Partial<Situation> = {},
): Promise<Proposal> {
  const wanted = { ...INTENT, ...intent };
  const now = { ...SITUATION, ...situation };
  const { carrier, province } = wanted.filter;
  const closed = wanted.sites.map((site) => ({ site, carrier, province }));
  const problem = problemOf(now, closed);
  return proposalOf(wanted, now, problem, await assign(problem), (site) => `${site}-1`);
}

export const CONTEXT: PlanContext = {
  createdAt: "2026-01-01T00:00:00.000Z",
  topology: { name: "sites", hash: "0".repeat(64) },
  nodes: { dp: { url: "http://127.0.0.1:1", region: "sh", set: "sh-a" } },
  gates: GATES,
};

export function against(proposal: Proposal): Objection[] {
  return objectionsTo({ ...proposal, seconds: secondsOfProposal(proposal, CONTEXT) });
}

export function planOf(proposal: Proposal): UserPlan {
  return planOfProposal(proposal, against(proposal), CONTEXT);
}

export const UNICOM = { carrier: "unicom", province: null };

export const entry = (fields: Partial<Entry> = {}): Entry => ({
  id: "sh-a-0",
  site: "sh-a",
  carrier: null,
  province: null,
  port: null,
  mode: "mask",
  reason: "loss",
  actor: "me@here",
  epoch: 3n,
  since: NOW - 120_000,
  expires: NOW + 60_000,
  ramp: { step: 0.1, everyMs: 1_000 },
  redirects: [],
  ...fields,
});

export const withEntries = (...entries: Entry[]) => ({ policy: { ...POLICY, entries } });

export const rulesAgainst = async (...args: Parameters<typeof proposed>): Promise<string[]> =>
  against(await proposed(...args)).map(({ rule }) => rule);

export const stepsOf = ({ stages }: UserPlan): UserStep[] =>
  stages.flatMap(({ waves }) => waves.flat());
