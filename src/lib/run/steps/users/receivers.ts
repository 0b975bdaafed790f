import type { SessionsAnswer } from "../../../agent/protocol/gateway.js";
import type { Receiver, ReceiversStep } from "../../../plan/users/types.js";
import { gateProblems } from "../../../schedule/change/gates.js";
import { ask } from "../../ask.js";
import { type UserContext, stopAtBoundary } from "../../context.js";
import { StepFailure, failure } from "../../failure.js";
import type { StepHandler } from "../handler.js";

export const receivers: StepHandler<ReceiversStep> = {
  apply: async (context, { id, receivers: all, gates }) => {
    const before = await Promise.all(all.map((one) => sessionsAt(context, id, one)));
    await context.clock.sleep(gates.windowSeconds * 1000, context.stop.stopping);
    stopAtBoundary(context);
    const after = await Promise.all(all.map((one) => sessionsAt(context, id, one)));
    const problems = all.flatMap((one, i) =>
      gateProblems(one, gates, totals(before[i]!), totals(after[i]!)),
    );
    const facts = {
      problems,
      sites: all.map(({ site }, i) => ({ site, ...totals(after[i]!) })),
    };
    await context.journal.append({ type: "evidence", step: id, about: "receivers", facts });
    context.emit({ type: "evidence", step: id, about: "receivers", facts });
    if (problems.length === 0) return;
    const hint = "once they are well: ops run resume; or take it back: ops run rollback";
    throw new StepFailure(failure("receivers", problems.join("\n  "), { hint }));
  },
  undo: null,
};

function sessionsAt(
  context: UserContext,
  step: string,
  { nodes }: Receiver,
): Promise<SessionsAnswer[]> {
  return Promise.all(
    nodes.map((node) =>
      ask(context, step, node, "count its sessions", (agent) => agent.sessions()),
    ),
  );
}

function totals(answers: readonly SessionsAnswer[]) {
  const sum = (of: (answer: SessionsAnswer) => number) =>
    answers.reduce((all, answer) => all + of(answer), 0);
  return {
    online: sum(({ sessions }) => sessions),
    logins: sum(({ logins }) => logins.total),
    refused: sum(({ logins }) => logins.refused),
    perSecond: sum(({ logins }) => logins.perSecond),
    limit: sum(({ logins }) => logins.limit),
  };
}
