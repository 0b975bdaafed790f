import { z } from "zod";
import { POSITION_END, type Segment } from "./segment.js";

const DECIMAL = /^(?:0|[1-9][0-9]{0,19})$/;

/** A bigint as JSON carries it: a decimal string, from 0 to 2^64. */
export const bigintWire = z
  .string()
  .regex(DECIMAL, "expected an unsigned decimal number in quotes")
  .transform((text) => BigInt(text))
  .refine((value) => value <= POSITION_END, "larger than 2^64");

/** The bounds of a segment, for spreading into an object schema. */
export const segmentFields = { lo: bigintWire, hi: bigintWire };

export const segmentWire = z
  .strictObject(segmentFields)
  .refine(({ lo, hi }) => lo < hi, "a segment needs lo < hi");

/** `[lo, hi)` as people read it. */
export function formatSegment({ lo, hi }: Segment): string {
  return `[${lo}, ${hi})`;
}
