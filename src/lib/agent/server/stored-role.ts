import type { Engine } from "../../engines/contract.js";
import { EXIT, OpsError } from "../../errors.js";
import type { AgentRole } from "../protocol/node.js";

const TABLE = "agent";
const ID = "role";

/**
 * A store is of one role: with another one an agent would not serve what it holds, and nobody would be told. Throws `agent-role`
 * (exit 3).
 */
export async function keepRole(engine: Engine, dir: string, role: AgentRole): Promise<void> {
  const kept = engine.document<AgentRole>(TABLE, ID) ?? unnamed(engine);
  if (kept === role) return;
  if (kept !== null) {
    throw new OpsError(
      "agent-role",
      EXIT.refused,
      `the store in ${dir} is of an agent of the role ${kept}, not ${role}`,
      { hint: "Correct `role` in the agent's configuration, or give it another `dir`." },
    );
  }
  await engine.write((txn) => txn.putDocument(TABLE, ID, role));
}

/** Of a store that was made before there were roles. */
function unnamed(engine: Engine): AgentRole | null {
  const isUsed = engine.entries().length > 0 || engine.log().last > 0n;
  return isUsed ? "data" : null;
}
