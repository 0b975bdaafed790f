import { EXIT } from "../../../errors.js";
import type { PolicyStep } from "../../../plan/users/types.js";
import { type PolicyDocument, SCHEDULE } from "../../../policy/document.js";
import { policyWithout } from "../../../policy/offered.js";
import { assertUsable, encodePolicy } from "../../../policy/wire.js";
import { NO_POLICY, changePolicy } from "../../../schedule/change/policy-part.js";
import { type Published, withLastChanges } from "../../../schedule/change/last-changes.js";
import { type UserContext, authorityFor, statusOf, unlessLeft } from "../../context.js";
import { StepFailure, asProblem, failure } from "../../failure.js";
import type { StepHandler } from "../handler.js";

export const policy: StepHandler<PolicyStep> = {
  apply: (context, { id, before, after }) => publish(context, id, { before, after, isUndo: false }),
  // What has expired meanwhile would keep users away once more, all of them, and ramp again.
  undo: (context, { id, before, after }) => {
    const entries = before.entries.filter(({ expires }) => context.clock.now() < expires);
    const home = { ...before, entries };
    return publish(context, id, { before: after, after: home, isUndo: true });
  },
};

/**
 * A mask must work while agents are dead, so none is needed by name; but one that takes it is. Those that have not are named.
 * @throws StepFailure `no-access-agent` (exit 9), `not-read-back`; OpsError `bad-policy` (exit 3) before anything is stored
 */
async function publish(
  context: UserContext,
  step: string,
  { before, after, isUndo }: Omit<Published, "plan">,
): Promise<void> {
  const { epoch } = authorityFor(context, SCHEDULE);
  const { without } = statusOf(context);
  let made: PolicyDocument | null = null;
  const missing = await context.policy.publish(
    step,
    (known) => {
      const base = known ?? NO_POLICY;
      const changed = changePolicy(base, before, after, epoch);
      const published = { plan: context.plan, before, after, isUndo };
      const offering = policyWithout(
        withLastChanges(base, changed, published, context.clock.now()),
        (node) => without.has(node),
      );
      made = { ...offering, agents: urlsOf(context, known, offering) };
      // What is stored and cannot be read again would be in the way of every later change.
      assertUsable({ ...made, version: Math.max(1, made.version) });
      return made;
    },
    [],
  );
  const told = context.agents.nodes.filter((node) => !missing.includes(node));
  if (told.length === 0) {
    const message = `no access agent took the policy: ${missing.join(", ")}`;
    throw new StepFailure(
      failure("no-access-agent", message, { outcome: "unknown" }),
      EXIT.unreachable,
    );
  }
  await Promise.all(told.map((node) => assertHas(context, node, made!)));
}

/**
 * By these each finds the others when it has missed a document. Of agents that were silent when the plan was made, and of gateways that
 * its topology did not have and that logins are still sent to, only the document before knows. Others are no longer there.
 */
function urlsOf(
  { plan, agents }: UserContext,
  known: PolicyDocument | null,
  { sites }: Pick<PolicyDocument, "sites">,
) {
  const offered = Object.values(sites).flatMap(({ addresses }) => addresses);
  const kept = [...plan.silent, ...offered].flatMap(({ node }) => {
    if (node === undefined) return [];
    const url = known?.agents?.[node];
    return url === undefined ? [] : [[node, url] as const];
  });
  const own = agents.nodes.map((node) => [node, agents.urlOf(node)] as const);
  return Object.fromEntries([...kept, ...own]);
}

/** What an agent says it took is read back: its answer alone is no proof. */
async function assertHas(
  { agents, ...context }: UserContext,
  node: string,
  wanted: PolicyDocument,
): Promise<void> {
  const answer = await unlessLeft(
    context,
    agents
      .of(node)
      .policy()
      .catch((error: unknown) => asProblem(error)),
  );
  const entries = (document: PolicyDocument) =>
    JSON.stringify(encodePolicy({ ...document, version: 1 }));
  if ("policy" in answer && answer.policy !== null && entries(answer.policy) === entries(wanted))
    return;
  const found =
    "policy" in answer
      ? `has another one when asked: version ${answer.policy?.version ?? "none"}`
      : `did not answer when it was asked for it: ${answer.message}`;
  const message = `${node} acknowledged the policy, and ${found}`;
  throw new StepFailure(failure("not-read-back", message, { outcome: "partial" }));
}
