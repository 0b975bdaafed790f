import { sharesOf } from "../capacity/shares.js";
import { shardPath } from "../paths.js";
import type { FitnessRule } from "./rule.js";

export const hotShard: FitnessRule = {
  id: "hot-shard",
  severity: "warning",
  adjustable: true,
  checks:
    "No shard has more than `policy.skew` times the average load of its keyspace. Its load is the `share` it says, or follows from its positions. Only for keyspaces that say their `load`.",
  why: "The largest shard decides when the keyspace is full, however much room the others have.",
  mend: "Split it with `ops shard expand`, or give segments of it to others.",
  example: `policy: { skew: 2 }
...
shards:
  a: { share: 75%, ... } # three times the average of four
  b: { ... }
  c: { ... }
  d: { ... }`,
  *check({ keyspaces, policy }) {
    for (const keyspace of keyspaces) {
      if (!keyspace.load) continue;
      const average = 1 / keyspace.shards.length;
      const shares = sharesOf(keyspace);
      for (const [i, shard] of keyspace.shards.entries()) {
        const times = shares[i]! / average;
        if (times <= policy.skew) continue;
        yield {
          path: shardPath(keyspace.id, shard.id),
          at: "key",
          message: `shard ${keyspace.id}/${shard.id} has ${percent(shares[i]!)} of the load, ${Number(times.toFixed(1))} times the average of ${percent(average)}; policy.skew is ${policy.skew}`,
          hint: "split it, or give segments of it to other shards",
        };
      }
    }
  },
};

function percent(share: number): string {
  return `${Number((share * 100).toFixed(1))}%`;
}
