import type { ReceiverGates } from "../../src/lib/plan/users/types.js";

export const GATES: ReceiverGates = {
  windowSeconds: 1,
  minSamples: 20,
  maxRefused: 0.1,
  maxOnline: 1,
  maxLate: null,
  checkUrl: null,
};
