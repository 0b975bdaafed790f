import { bytesText, countText } from "../../figures.js";
import type { NodeCapacity } from "../types.js";

/** What is needed of something and what of it is there, in one unit. */
export interface Amount {
  /** After a number: `users online`, `of memory in the access layer`. */
  readonly what: string;
  readonly text: (n: number) => string;
}

export const USERS: Amount = { what: "users online", text: countText };
export const LOGINS: Amount = { what: "logins/s", text: countText };

export const BANDWIDTH: Amount = { what: "of bandwidth", text: bitsText };

/** The resources of a node, in the order of the file. */
export const RESOURCES = [
  { field: "memoryBytes", what: "of memory", text: bytesText, written: "memory" },
  { field: "opsPerSecond", what: "ops/s", text: countText, written: "ops" },
  { field: "networkBitsPerSecond", what: "of network", text: bitsText, written: "network" },
] as const satisfies readonly (Amount & { field: keyof NodeCapacity; written: string })[];

export function bitsText(bitsPerSecond: number): string {
  return `${countText(bitsPerSecond)}bps`;
}

/** Sums of many numbers may be off in their last digits: that is no lack. */
export function exceeds(needed: number, there: number): boolean {
  return needed > there * (1 + 1e-9);
}

/** `200M users online needed, 160M there, 40.0M missing` */
export function lackText({ what, text }: Amount, needed: number, there: number): string {
  return `${text(needed)} ${what} needed, ${text(there)} there, ${text(needed - there)} missing`;
}
