import { rules, type Rules } from "../../../src/lib/ownership/machine.js";
import type { NodeId } from "../../../src/lib/ownership/types.js";
import { CONTRACT, type Contract } from "./node.js";

/** The bounds of an exploration, what is checked, and what is explored. */
export interface Scope {
  /** The first reigns; the others follow it. */
  readonly nodes: readonly NodeId[];
  readonly writes: number;
  readonly takeovers: number;
  readonly crashes: number;
  /** How often the operator repoints, drops or attaches. */
  readonly changes: number;
  readonly drops: boolean;
  /** How often everything is discarded, on all nodes, and made anew on one of them. */
  readonly discards: number;
  /** Frames may be late, lost or come twice, like messages. Otherwise each is applied as it is sent. */
  readonly lateFrames: boolean;
  /** Whether to check that a successor has the data once it is handed over: what makes the loss of the source harmless. */
  readonly successorHolds: boolean;
  /** Whether to check that somebody can always come to reign. */
  readonly staysWritable: boolean;
  readonly rules: Rules;
  readonly contract: Contract;
}

export const SCOPE: Scope = {
  nodes: ["S", "T"],
  writes: 2,
  takeovers: 2,
  crashes: 1,
  changes: 0,
  drops: false,
  discards: 0,
  lateFrames: false,
  successorHolds: true,
  staysWritable: true,
  rules,
  contract: CONTRACT,
};
