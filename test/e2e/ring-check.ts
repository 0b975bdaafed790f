import { caughtUp } from "../../src/lib/demo/caught-up.js";
import type { Ledger } from "../../src/lib/demo/ledger.js";
import type { People } from "../../src/lib/demo/people.js";
import { positionOf } from "../../src/lib/keyspace/key.js";
import { pieceAt } from "../../src/lib/keyspace/map.js";

/**
 * Reads every key of a hashed keyspace at each node that holds it, once all copies have everything that was written before now, and
 * judges what is there. Nobody may write any more.
 */
export async function ringCheck(
  urls: readonly string[],
  keyspace: string,
  people: People,
  ledger: Ledger,
): Promise<{ readonly wrong: string[]; readonly primaries: number; readonly copies: number }> {
  const wrong: string[] = [];
  let [primaries, copies] = [0, 0];
  for (const { node, url, entries } of await caughtUp(urls, keyspace)) {
    const held = entries.filter((entry) => entry.keyspace === keyspace);
    for (let slot = 0; slot < people.slots; slot += 1) {
      const key = people.keyOf(slot);
      const entry = pieceAt(held, positionOf("consistent-hash", BigInt(key.split("/")[0]!)));
      if (entry === null) continue;
      if (entry.role === "primary") primaries += 1;
      else copies += 1;
      const answer = await fetch(`${url}/v1/data/${keyspace}/${key}`);
      if (answer.status !== 200 && answer.status !== 404)
        throw new Error(`${node} answered ${answer.status} for ${key}: ${await answer.text()}`);
      const value = Buffer.from(await answer.arrayBuffer());
      const seen = answer.status === 404 ? null : people.sequenceIn(slot, value);
      const verdict = ledger.judge(slot, seen);
      if (verdict !== "right")
        wrong.push(`${key} at ${entry.role} ${node}: ${verdict}, it has ${String(seen)}`);
    }
  }
  return { wrong, primaries, copies };
}
