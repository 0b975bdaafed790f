import { expect, it } from "vitest";
import { AgentProblem } from "../../src/lib/agent/client/problem.js";
import type { PlannedEntry, PolicyStep } from "../../src/lib/plan/users/types.js";
import type { UserContext } from "../../src/lib/run/context.js";
import { policy } from "../../src/lib/run/steps/users/policy.js";
import { NO_POLICY, entriesOnly } from "../../src/lib/schedule/change/policy-part.js";
import type { PolicyDocument } from "../../src/lib/policy/document.js";

const NOW = 1_000_000;
const entry = (id: string, expires: number): PlannedEntry => ({
  id,
  site: "a",
  carrier: null,
  province: null,
  port: null,
  mode: "mask",
  reason: "loss",
  actor: "me@here",
  since: NOW - 60_000,
  expires,
  ramp: { step: 0.1, everyMs: 1_000 },
  redirects: [],
});

const ADDRESSES = ["g1", "g2"].map((node) => ({ url: `ws://${node}:80`, port: 80, node }));

/** As far as a policy step needs one: a policy with site a, and one agent that takes what it is told. */
function contextOf(
  entries: readonly PlannedEntry[],
  agents: Record<string, string> = {},
  readBack: (has: PolicyDocument) => Promise<PolicyDocument | null> = async (has) => has,
  without: readonly string[] = [],
) {
  let document: PolicyDocument = {
    ...NO_POLICY,
    version: 1,
    agents,
    sites: { a: { region: "r", carriers: [], addresses: ADDRESSES } },
    entries: entries.map((one) => ({ ...one, epoch: 1n })),
  };
  const context = {
    plan: {
      silent: [{ node: "quiet", why: "it does not answer" }],
      change: { what: "mask", sites: ["a"], reason: "loss", actor: "me@here", overridden: [] },
      moves: [],
    },
    journal: { status: { without: new Map(without.map((node) => [node, "it is gone"])) } },
    clock: { now: () => NOW },
    epochs: { schedule: 2n },
    lineage: "0",
    stop: { stopping: new AbortController().signal, detached: new AbortController().signal },
    agents: {
      nodes: ["dp"],
      of: () => ({ policy: async () => ({ policy: await readBack(document) }) }),
      urlOf: (node: string) => `http://${node}`,
    },
    policy: {
      publish: async (_: string, change: (known: PolicyDocument) => PolicyDocument) => {
        document = change(document);
        return [];
      },
    },
  };
  return {
    context: context as unknown as UserContext,
    agents: () => document.agents,
    offered: () => document.sites["a"]!.addresses.map(({ node }) => node),
    ids: () => document.entries.map(({ id }) => id),
  };
}

const step = (before: PlannedEntry[], after: PlannedEntry[]): PolicyStep => ({
  kind: "policy",
  id: "s1",
  before: entriesOnly(before),
  after: entriesOnly(after),
});

it("taking an end of entries back brings back those that would still be in force, and no other", async () => {
  const [over, standing] = [entry("over", NOW), entry("standing", NOW + 1)];
  const { context, ids } = contextOf([]);
  await policy.undo!(context, step([over, standing], []));
  expect(ids()).toEqual(["standing"]);
});

it("what no agent would take is refused before it is published", async () => {
  const { context, ids } = contextOf([]);
  const wrong = entry("wrong", NOW - 60_000);
  await expect(policy.apply(context, step([], [wrong]))).rejects.toMatchObject({
    code: "bad-policy",
  });
  expect(ids()).toEqual([]);
});

it("an agent that dies after it took a policy is told apart from one that has another", async () => {
  const made = [entry("made", NOW + 60_000)];
  const dead = contextOf([], {}, () =>
    Promise.reject(
      new AgentProblem("http://dp", { unreachable: new Error("refused"), sent: true }),
    ),
  );
  await expect(policy.apply(dead.context, step([], made))).rejects.toMatchObject({
    failure: {
      code: "not-read-back",
      message: expect.stringMatching(/^dp .* did not answer when it was asked for it: /),
    },
  });
  const other = contextOf([], {}, async (has) => ({ ...has, version: 9, entries: [] }));
  await expect(policy.apply(other.context, step([], made))).rejects.toMatchObject({
    failure: { message: "dp acknowledged the policy, and has another one when asked: version 9" },
  });
});

it("names the agents of the plan, and keeps those that were silent, but none that is no longer in the topology", async () => {
  const before = { dp: "http://old", quiet: "http://quiet", removed: "http://removed" };
  const { context, agents } = contextOf([], before);
  await policy.apply(context, step([], [entry("one", NOW + 1)]));
  expect(agents()).toEqual({ dp: "http://dp", quiet: "http://quiet" });
});

it("keeps the agent of a gateway that logins are still sent to, although the plan does not know it", async () => {
  const before = { g1: "http://g1", removed: "http://removed" };
  const { context, agents } = contextOf([], before);
  await policy.apply(context, step([], [entry("one", NOW + 1)]));
  expect(agents()).toEqual({ dp: "http://dp", g1: "http://g1" });
});

it("offers no address of a gateway that the run goes on without, but for the last of a site", async () => {
  const one = step([], [entry("one", NOW + 1)]);
  const { context, offered } = contextOf([], {}, undefined, ["g1"]);
  await policy.apply(context, one);
  expect(offered()).toEqual(["g2"]);
  const last = contextOf([], {}, undefined, ["g1", "g2"]);
  await policy.apply(last.context, one);
  expect(last.offered()).toEqual(["g1", "g2"]);
});
