import type { NodeParts } from "./deps.js";
import { Owners } from "./owners.js";
import { Reads } from "./reads.js";
import { Shardings } from "./shardings.js";
import { Writes } from "./writes.js";

/** The data of this node. */
export class Data {
  readonly shardings: Shardings;
  readonly reads: Reads;
  readonly writes: Writes;

  constructor(node: NodeParts) {
    this.shardings = new Shardings(node);
    const deps = { ...node, shardings: this.shardings, owners: new Owners(node) };
    this.reads = new Reads(deps);
    this.writes = new Writes(deps);
  }
}
