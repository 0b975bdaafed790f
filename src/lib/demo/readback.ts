import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import type { Segment } from "../keyspace/segment.js";
import type { Ledger, Seen, Verdict } from "./ledger.js";
import type { People } from "./people.js";

const PAGE = 10_000;

export interface Readback {
  /** Keys compared. */
  readonly keys: number;
  /** Acknowledged writes and deletes of these keys. */
  readonly checked: number;
  readonly lost: number;
  readonly resurrected: number;
  readonly foreign: number;
  /** The first few that are wrong. */
  readonly wrong: readonly {
    readonly key: string;
    readonly verdict: Verdict;
    readonly seen: Seen;
  }[];
}

const WRONG_KEPT = 10;

/**
 * Reads every row of a segment (of uids) at one node and judges every key that was ever written there. The node must be the
 * segment's writer, or have caught up with it, and nobody may write meanwhile.
 */
export async function readBack(
  url: string,
  keyspace: string,
  segment: Segment,
  people: People,
  ledger: Ledger,
): Promise<Readback> {
  const [from, to] = people.slotsIn(segment.lo, segment.hi);
  const seen = new Map<number, number>();
  let strangers = 0;
  for await (const { key, value } of rowsOf(url, keyspace, segment)) {
    const slot = people.slotOf(key);
    if (slot === null || slot < from || slot >= to) strangers += 1;
    else seen.set(slot, people.sequenceIn(slot, Buffer.from(value, "base64")));
  }

  const found = { right: 0, lost: 0, resurrected: 0, foreign: strangers };
  const wrong: Readback["wrong"][number][] = [];
  let checked = 0;
  for (let slot = from; slot < to; slot += 1) {
    const what = seen.get(slot) ?? null;
    const verdict = ledger.judge(slot, what);
    found[verdict] += 1;
    checked += ledger.countOf(slot);
    if (verdict !== "right" && wrong.length < WRONG_KEPT)
      wrong.push({ key: people.keyOf(slot), verdict, seen: what });
  }
  const { lost, resurrected, foreign } = found;
  return { keys: to - from, checked, lost, resurrected, foreign, wrong };
}

interface WireRow {
  readonly key: string;
  readonly value: string;
}

async function* rowsOf(url: string, keyspace: string, segment: Segment): AsyncGenerator<WireRow> {
  let from: string | null = segment.lo.toString();
  while (from !== null) {
    const query = new URLSearchParams({ from, to: segment.hi.toString(), limit: String(PAGE) });
    const answer: Response = await fetch(
      `${url}/v1/data/${encodeURIComponent(keyspace)}?${query.toString()}`,
    );
    if (!answer.ok || answer.body === null) {
      throw new Error(
        `${url} did not give its rows: HTTP ${answer.status} ${(await answer.text()).slice(0, 200)}`,
      );
    }
    from = null;
    let ended = false;
    const input = Readable.fromWeb(answer.body);
    for await (const line of createInterface({ input, crlfDelay: Infinity })) {
      const said = JSON.parse(line) as WireRow | { next: string | null };
      if ("next" in said) {
        from = said.next;
        ended = true;
      } else yield said;
    }
    if (!ended)
      throw new Error(`${url} ended its rows of ${keyspace} without saying where it stopped`);
  }
}
