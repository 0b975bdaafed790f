import { z } from "zod";

const seconds = z.number().min(0);

/** Sums of bytes may be larger than a position. */
export const amountWire = z
  .string()
  .regex(/^(?:0|[1-9][0-9]{0,29})$/, "expected an unsigned decimal number in quotes")
  .transform((text) => BigInt(text));

export const estimateWire = z.object({
  bytes: amountWire,
  rows: amountWire,
  seconds,
  mostSeconds: seconds,
  basis: z.enum(["measured", "unknown"]),
});
