import type { Keyspace } from "../types.js";

/** Of the load of a keyspace, what each shard has, 0..1: what it says, and by positions of the rest where it says nothing. */
export function sharesOf({ shards }: Keyspace): number[] {
  const positions = shards.map(({ share, segments }) =>
    share === undefined ? segments.reduce((sum, { lo, hi }) => sum + Number(hi - lo), 0) : 0,
  );
  const all = positions.reduce((a, b) => a + b, 0);
  const said = shards.reduce((sum, { share }) => sum + (share ?? 0), 0);
  const rest = Math.max(0, 1 - said);
  return shards.map(({ share }, i) => share ?? (all === 0 ? 0 : (rest * positions[i]!) / all));
}
