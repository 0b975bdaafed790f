import type { Engine } from "../../../engines/contract.js";
import type { Peers } from "../../client/peer.js";
import type { OperationKind, OperationRequest } from "../../protocol/operation.js";
import type { NodeRef } from "../../protocol/json.js";
import type { Drops } from "../drops.js";
import type { Holdings } from "../holdings.js";
import type { Links } from "../links.js";
import type { Task } from "../operations.js";
import type { Ownership } from "../ownership.js";
import type { Routes } from "../routes.js";
import type { Timings } from "../timings.js";

/** What the kinds of operations work on. */
export interface Context {
  readonly self: () => NodeRef;
  readonly engine: Engine;
  readonly holdings: Holdings;
  readonly links: Links;
  readonly drops: Drops;
  readonly ownership: Ownership;
  readonly peers: Peers;
  readonly routes: Routes;
  readonly timings: Timings;
}

export type RequestOf<K extends OperationKind> = Extract<OperationRequest, { kind: K }>;

/** Does the work of one kind, from wherever an earlier process left it. */
export type Kind<K extends OperationKind> = (
  context: Context,
  request: RequestOf<K>,
  task: Task,
) => Promise<Record<string, unknown>>;
