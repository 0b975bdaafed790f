import type { Engine } from "../../../engines/contract.js";
import type { AccessMap } from "../access-map.js";
import type { AccessStats } from "../access-stats.js";
import type { Acknowledgements } from "../acknowledgements.js";
import type { Holdings } from "../holdings.js";
import type { Routes } from "../routes.js";
import { Owners } from "./owners.js";
import { Reads } from "./reads.js";
import { Shardings } from "./shardings.js";
import { Writes } from "./writes.js";

interface Node {
  readonly self: string;
  readonly engine: Engine;
  readonly holdings: Holdings;
  readonly routes: Routes;
  readonly stats: AccessStats;
  readonly accesses: AccessMap;
  readonly acks: Acknowledgements;
}

/** What reads and writes work with. */
export interface DataDeps extends Node {
  readonly shardings: Shardings;
  readonly owners: Owners;
}

/** The data of this node. */
export class Data {
  readonly shardings: Shardings;
  readonly reads: Reads;
  readonly writes: Writes;

  constructor(node: Node) {
    this.shardings = new Shardings(node);
    const deps = { ...node, shardings: this.shardings, owners: new Owners(node) };
    this.reads = new Reads(deps);
    this.writes = new Writes(deps);
  }
}
