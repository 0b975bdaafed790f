import type { DispatchConfig } from "../config.js";
import { Operations } from "../operations.js";
import { ProblemError } from "../../protocol/problem.js";
import type { Base, Role } from "./role.js";

/** An agent between users and the sets: it has the policy of the control plane, and no data. */
export function accessRole({ engine }: Base, config: DispatchConfig): Role {
  const operations = new Operations(engine, async ({ kind }) => {
    throw new ProblemError(
      400,
      "bad-request",
      `an agent of the role ${config.role} does no ${kind}`,
    );
  });
  return {
    kind: config.role,
    groups: [],
    operations,
    kinds: [],
    readiness: () => ({}),
    status: () => ({
      log: { ...engine.log(), maxBytes: 0 },
      entries: [],
      dropping: [],
      followers: [],
      sync: [],
      routes: {},
      policy: null,
      access: null,
    }),
    begin: () => undefined,
    release: () => undefined,
    close: async () => undefined,
  };
}
