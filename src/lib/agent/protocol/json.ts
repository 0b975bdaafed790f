import { z } from "zod";
import { POSITION_END } from "../../keyspace/segment.js";

/** JSON in which every bigint is a decimal string. */
export function encodeJson(value: unknown): string {
  return JSON.stringify(value, (_key, field: unknown) =>
    typeof field === "bigint" ? field.toString() : field,
  );
}

/** An unsigned integer of up to 64 bits (2^64 itself included, as an exclusive end), a decimal string on the wire. */
export const uint64 = z
  .string()
  .regex(/^(0|[1-9]\d{0,19})$/, "expected a decimal integer in quotes")
  .transform((text) => BigInt(text))
  .refine((value) => value <= POSITION_END, "larger than 2^64");

export const logPosition = z.object({ generation: uint64, index: uint64 });

export const nodeRef = z.object({ node: z.string().min(1), url: z.url() });
export type NodeRef = z.infer<typeof nodeRef>;

export const segmentOf = z.object({ keyspace: z.string().min(1).max(64), lo: uint64, hi: uint64 });
