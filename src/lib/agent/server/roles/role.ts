import type { FastifyInstance } from "fastify";
import type { Logger } from "pino";
import type { Engine } from "../../../engines/contract.js";
import type { NodeRef } from "../../protocol/json.js";
import type { AgentRole, NodeStatus } from "../../protocol/node.js";
import type { OperationKind } from "../../protocol/operation.js";
import type { AuthorityGate } from "../authority.js";
import type { Metrics } from "../metrics.js";
import type { Operations } from "../operations.js";

/** What every agent has, whatever its role. */
export interface Base {
  readonly self: () => NodeRef;
  readonly version: string;
  readonly dir: string;
  readonly bootId: string;
  readonly engine: Engine;
  readonly authority: AuthorityGate;
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** Something on which safety rests has failed: the process must end at once. */
  readonly die: (error: unknown) => void;
  /** Aborted when the agent stops: whoever waits is answered. */
  readonly stopping: AbortSignal;
}

/** Registers the routes of one matter. */
export type RouteGroup = (app: FastifyInstance) => void;

/** What `GET /v1/node` tells that only agents of some roles have. */
export type RoleStatus = Pick<
  NodeStatus,
  "log" | "entries" | "dropping" | "followers" | "sync" | "routes" | "policy" | "access"
>;

/** What makes an agent one of its role. */
export interface Role {
  readonly kind: AgentRole;
  readonly groups: readonly RouteGroup[];
  readonly operations: Operations;
  /** The kinds of operations that it takes. */
  readonly kinds: readonly OperationKind[];
  /** What `/readyz` tells besides. */
  readiness(): object;
  status(): RoleStatus;
  /** Learns what it missed while it was away, briefly: before the agent answers anything. */
  catchUp(): Promise<void>;
  /** Goes on with what an earlier process left; the agent answers already, and is ready after it. */
  begin(): void | Promise<void>;
  /** Ends what keeps requests waiting, before the server is closed. */
  release(): void;
  /** Ends everything else, when no request comes any more. The store is still open. */
  close(): Promise<void>;
}
