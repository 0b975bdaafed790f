import type { Receiver, ReceiverGates } from "../../plan/users/types.js";
import { type Counts, gateProblems, lateProblems } from "./gates.js";

interface Sample {
  readonly at: number;
  readonly counts: Counts;
}

/** Judges the sites that get users: time and again while they come, and at the end by all that came. Times are ms. */
export class ReceiverWatch {
  readonly #receivers: readonly Receiver[];
  readonly #gates: ReceiverGates;
  readonly #before: Counts;
  /** Of the last window, and the one before it: the oldest first. */
  #samples: Sample[] = [];

  /** `before`: as they stood before anybody was told. */
  constructor(receivers: readonly Receiver[], gates: ReceiverGates, before: Counts) {
    this.#receivers = receivers;
    this.#gates = gates;
    this.#before = before;
  }

  /** What is wrong over the last window. Of refusals nothing is said before a window is over: at first they are chance. */
  look(at: number, counts: Counts): string[] {
    this.#samples.push({ at, counts });
    const since = at - this.#gates.windowSeconds * 1000;
    const begin = this.#samples.findLastIndex((one) => one.at <= since);
    if (begin > 0) this.#samples = this.#samples.slice(begin);
    const from = begin === -1 ? counts : this.#samples[0]!.counts;
    return [...gateProblems(this.#receivers, this.#gates, from, counts), ...this.#late(counts)];
  }

  /** What is wrong over all of it. */
  verdict(counts: Counts): string[] {
    return [
      ...gateProblems(this.#receivers, this.#gates, this.#before, counts),
      ...this.#late(counts),
    ];
  }

  /** Always against how it was before: what is late for longer than a window is no better for that. */
  #late(counts: Counts): string[] {
    return lateProblems(this.#receivers, this.#gates, this.#before, counts);
  }
}
