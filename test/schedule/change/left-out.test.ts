import { expect, it } from "vitest";
import { decodeStoredPlan, encodePlan } from "../../../src/lib/plan/encode.js";
import { policyWithout } from "../../../src/lib/policy/offered.js";
import { assemble } from "../../../src/lib/schedule/change/assemble.js";
import { withUnlisted } from "../../../src/lib/schedule/change/left-out.js";
import { changePolicy } from "../../../src/lib/schedule/change/policy-part.js";
import type { Situation, UnlistedGateway } from "../../../src/lib/schedule/change/situation.js";
import type { PolicyDocument } from "../../../src/lib/policy/document.js";
import { CONTEXT, POLICY, SITUATION, planOf, proposed, stepsOf } from "./situation.js";

/** Each site has two gateways, `sz-a-1` and `sz-a-2`. */
const NAMED: PolicyDocument = {
  ...POLICY,
  sites: Object.fromEntries(
    Object.entries(POLICY.sites).map(([id, site]) => [
      id,
      {
        ...site,
        addresses: site.addresses.map((one, i) => ({ ...one, node: `${id}-${i + 1}` })),
      },
    ]),
  ),
};

function seen(...unlisted: UnlistedGateway[]): Partial<Situation> {
  const isGone = (node: string) => unlisted.some((one) => one.node === node && one.why !== null);
  return { policy: NAMED, unlisted, offered: policyWithout(NAMED, isGone).sites };
}

const dead = { node: "sz-a-2", site: "sz-a", why: "ECONNREFUSED" };

it("a plan names each address that it offers no longer, and why", async () => {
  const plan = planOf(await proposed({ mode: "mask" }, seen(dead)));
  expect(plan.dropped).toEqual([
    {
      node: "sz-a-2",
      site: "sz-a",
      url: "ws://sz-a:8081",
      why: "not in the file, and does not answer: ECONNREFUSED",
      isRestored: false,
    },
  ]);
  expect(plan.unlisted).toBeUndefined();
  expect(decodeStoredPlan(encodePlan(plan), "plan")).toEqual(plan);
});

it("a gateway that the file does not have and that answers stays, and is named", async () => {
  const plan = planOf(await proposed({ mode: "mask" }, seen({ ...dead, why: null })));
  expect(plan.unlisted).toEqual([{ node: "sz-a-2", site: "sz-a" }]);
  expect(plan.dropped).toBeUndefined();
  const { after } = stepsOf(plan).find((step) => step.kind === "policy")!;
  expect(after.sites).toBeNull();
  expect(decodeStoredPlan(encodePlan(plan), "plan")).toEqual(plan);
});

it("a plan without either has neither, as those of an earlier build", async () => {
  const plan = planOf(await proposed({ mode: "mask" }, seen()));
  expect(Object.keys(plan)).not.toContain("dropped");
  expect(Object.keys(plan)).not.toContain("unlisted");
});

it("a balance leaves it where it was, unless a gateway of the file has its address", () => {
  const situation = { ...SITUATION, ...seen({ ...dead, why: null }) };
  const known = NAMED.sites["sz-a"]!;
  const only = (node: string) => ({
    ...known,
    addresses: known.addresses.slice(0, 1).map((one) => ({ ...one, node })),
  });
  const nodes = (sites: PolicyDocument["sites"]) =>
    withUnlisted(sites, situation)["sz-a"]!.addresses.map(({ node }) => node);
  expect(nodes({ "sz-a": only("sz-a-1") })).toEqual(["sz-a-1", "sz-a-2"]);
  const addresses = known.addresses.map((one) => ({ ...one, node: "renamed" }));
  expect(nodes({ "sz-a": { ...known, addresses } })).toEqual(["renamed", "renamed"]);
  const moved = { "sh-a": { ...known, addresses: known.addresses.slice(1) } };
  expect(nodes({ "sz-a": only("sz-a-1"), ...moved })).toEqual(["sz-a-1"]);
  const silent = { ...situation, ...seen(dead) };
  expect(withUnlisted({ "sz-a": only("sz-a-1") }, silent)["sz-a"]).toEqual(only("sz-a-1"));
});

it("addresses that a balance replaces are named too, and taken back it offers those that were not gone", () => {
  const isKept = (node: string | undefined) => node === "sz-a-1" || !node?.startsWith("sz-a");
  const sites = Object.fromEntries(
    Object.entries(NAMED.sites).map(([id, site]) => [
      id,
      { ...site, addresses: site.addresses.filter(({ node }) => isKept(node)) },
    ]),
  );
  const silent = { node: "sz-a-2", site: "sz-a", role: "gateway" as const, why: "timeout" };
  for (const [more, why] of [
    [seen({ ...dead, why: null }), "not in the file"],
    [{ ...seen(), silent: [silent] }, "does not answer: timeout"],
  ] as const) {
    const situation = { ...SITUATION, ...more };
    const before = { entries: [], classes: null, sites: situation.offered };
    const after = { entries: [], classes: null, sites };
    const meant = changePolicy(NAMED, before, after, 0n);
    const plan = assemble(
      [
        {
          kind: "balance",
          title: "t",
          waves: [[{ kind: "policy", before, after }]],
          how: "h",
          seconds: 1,
        },
      ],
      situation,
      meant,
      CONTEXT,
      {
        change: { what: "balance", sites: [], reason: "r", actor: "a", overridden: [] },
        moves: [],
        receivers: [],
        pace: { perSecond: 0, seconds: 0, boundSeconds: 0 },
      },
    );
    expect(plan.dropped).toMatchObject([{ node: "sz-a-2", why, isRestored: true }]);
    expect(plan.unlisted).toBeUndefined();
    const step = stepsOf(plan).find((one) => one.kind === "policy")!;
    const back = changePolicy(meant, step.after, step.before, 0n);
    expect(back.sites).toEqual(NAMED.sites);
  }
});
