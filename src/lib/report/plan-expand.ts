import type { Split } from "../plan/split.js";
import { bytesText, countText } from "../figures.js";
import { segmentsText } from "./plan-figures.js";
import { wrap } from "./wrap.js";
import type { TextOptions } from "./plan.js";

/** Which shard was halved for which new one, and by how much. */
export function expandText(
  keyspace: string,
  splits: readonly Split[],
  { width }: TextOptions,
): string {
  return splits
    .flatMap((split) =>
      wrap(
        `${keyspace}: ${split.to} takes ${amount(split.movedLoad, split)} of ${amount(split.load, split)} from ${split.from}: ` +
          segmentsText(split.moved),
        width,
        2,
      ),
    )
    .join("\n");
}

function amount(load: bigint, { measure }: Split): string {
  return measure === "bytes" ? bytesText(load) : `${countText(load)} ${measure}`;
}
