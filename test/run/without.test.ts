import { expect, it } from "vitest";
import type { ReceiversStep, UserStep } from "../../src/lib/plan/users/types.js";
import type { Plan } from "../../src/lib/plan/any.js";
import { AgentProblem } from "../../src/lib/agent/client/problem.js";
import type { RunEnvironment } from "../../src/lib/run/session.js";
import { goneFor, stepWithout } from "../../src/lib/run/without.js";
import { GATES } from "../support/gates.js";

const gone = new Set(["gone"]);
const receivers = (...nodes: string[][]): ReceiversStep => ({
  id: "s1",
  kind: "receivers",
  receivers: nodes.map((one, i) => ({ site: `site-${i}`, nodes: one, onlineUsers: 10 })),
  gates: GATES,
});
const anyone = { carrier: null, province: null, port: null };
const at = (node: string): UserStep => ({
  id: "s2",
  kind: "disconnect",
  node,
  site: "a",
  entry: "e",
  filter: anyone,
  perSecond: null,
});

it("what an agent that is gone would have done is left out, and what others do is not", () => {
  expect(stepWithout(at("gone"), gone)).toBeNull();
  expect(stepWithout(at("here"), gone)).toEqual(at("here"));
});

it("receivers are watched by those of their gateways that are left", () => {
  expect(stepWithout(receivers(["gone", "here"], ["gone"]), gone)).toEqual(receivers(["here"]));
  expect(stepWithout(receivers(["gone"]), gone)).toBeNull();
  expect(stepWithout(receivers(), gone)).toEqual(receivers());
});

const nodesOf = (...nodes: string[]) => ({
  nodes: Object.fromEntries(nodes.map((node) => [node, { url: node, region: "r", set: "s" }])),
});
const USERS = { kind: "users", ...nodesOf("gw", "gone") };
const SHARDS = { kind: "shards", ...nodesOf("db") };
const PLANS = {
  users: USERS,
  shards: SHARDS,
  region: { kind: "region", users: USERS, shards: SHARDS, ...nodesOf("gw", "gone", "db") },
} as unknown as Record<"users" | "shards" | "region", Plan>;

/** Of which all answer but one. */
const env = {
  connect: async () => ({
    of: (node: string) => ({
      node: async () => {
        if (node === "gone")
          throw new AgentProblem(node, { unreachable: new Error("refused"), sent: false });
        return {};
      },
    }),
    close: async () => undefined,
  }),
} as unknown as Pick<RunEnvironment, "connect">;
const asked = (plan: Plan, node: string, direction: "apply" | "undo" = "apply") =>
  goneFor(env, plan, { run: "r-1", direction }, [node]);

it("only an access agent that does not answer may be gone, also of a run that moves data too", async () => {
  for (const plan of [PLANS.users, PLANS.region]) {
    expect(await asked(plan, "gone")).toMatchObject([{ node: "gone", why: expect.any(String) }]);
    await expect(asked(plan, "gw")).rejects.toMatchObject({ code: "answers", exit: 3 });
  }
  for (const plan of [PLANS.shards, PLANS.region])
    await expect(asked(plan, "db")).rejects.toMatchObject({ code: "moves-data", exit: 3 });
  await expect(asked(PLANS.users, "db")).rejects.toMatchObject({ code: "no-such-agent" });
  await expect(asked(PLANS.users, "gone", "undo")).rejects.toMatchObject({ code: "goes-back" });
});
