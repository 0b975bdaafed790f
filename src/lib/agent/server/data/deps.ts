import type { Engine } from "../../../engines/contract.js";
import type { AccessMap } from "../access-map.js";
import type { AccessStats } from "../access-stats.js";
import type { Acknowledgements } from "../acknowledgements.js";
import type { Holdings } from "../holdings.js";
import type { Routes } from "../routes.js";
import type { Owners } from "./owners.js";
import type { Shardings } from "./shardings.js";

/** What of a node its data is made of. */
export interface NodeParts {
  readonly self: string;
  readonly engine: Engine;
  readonly holdings: Holdings;
  readonly routes: Routes;
  readonly stats: AccessStats;
  readonly accesses: AccessMap;
  readonly acks: Acknowledgements;
}

/** What reads and writes work with. */
export interface DataDeps extends NodeParts {
  readonly shardings: Shardings;
  readonly owners: Owners;
}
