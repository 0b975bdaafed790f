import type { Keyspace } from "../types.js";

/** Several rules ask for the same shares, and a keyspace may have 100,000 segments. */
const known = new WeakMap<Keyspace, readonly number[]>();

/** Of the load of a keyspace, what each shard has, 0..1: what it says, and by positions of the rest where it says nothing. */
export function sharesOf(keyspace: Keyspace): readonly number[] {
  const shares = known.get(keyspace) ?? compute(keyspace);
  known.set(keyspace, shares);
  return shares;
}

function compute({ shards }: Keyspace): number[] {
  const positions = shards.map(({ share, segments }) =>
    share === undefined ? segments.reduce((sum, { lo, hi }) => sum + Number(hi - lo), 0) : 0,
  );
  const all = positions.reduce((a, b) => a + b, 0);
  const said = shards.reduce((sum, { share }) => sum + (share ?? 0), 0);
  const rest = Math.max(0, 1 - said);
  return shards.map(({ share }, i) => share ?? (all === 0 ? 0 : (rest * positions[i]!) / all));
}
