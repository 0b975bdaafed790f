import type { Split } from "../plan/split.js";
import { bytesText, countText } from "../figures.js";
import { formatSegment } from "../keyspace/wire.js";
import { wrap } from "../wrap.js";
import { itemsText } from "./group.js";
import type { TextOptions } from "./text-options.js";

/** Which shard was halved for which new one, and by how much. */
export function expandText(
  keyspace: string,
  splits: readonly Split[],
  { width }: Pick<TextOptions, "width">,
): string {
  return splits
    .flatMap((split) =>
      wrap(
        `${keyspace}: ${split.to} takes ${amount(split.movedLoad, split)} of ${amount(split.load, split)} from ${split.from}: ` +
          itemsText(split.moved.map(formatSegment)),
        width,
        2,
      ),
    )
    .join("\n");
}

function amount(load: bigint, { measure }: Split): string {
  return measure === "bytes" ? bytesText(load) : `${countText(load)} ${measure}`;
}
