const SECONDS = 60;

/** What change streams of one keyspace to the nodes of one region have cost. Bytes of frames, as they are sent. */
export interface SyncCount {
  readonly keyspace: string;
  readonly region: string;
  readonly sentBytes: number;
  /** The same if every change had been sent. */
  readonly plainBytes: number;
  /** Means of the last seconds that are over. */
  readonly seconds: number;
  readonly sentBytesPerSecond: number;
  readonly plainBytesPerSecond: number;
}

interface Slot {
  second: number;
  sent: number;
  plain: number;
}

interface Count {
  readonly keyspace: string;
  readonly region: string;
  readonly since: number;
  sent: number;
  plain: number;
  /** By second, modulo; one more than is told, for the second that is not over. */
  readonly slots: Slot[];
}

/** Counts the change streams that this node sends, by keyspace and region. */
export class SyncTraffic {
  readonly #regionOf: (keyspace: string, node: string) => string | null;
  readonly #counts = new Map<string, Count>();

  /** `regionOf`: of a follower; null where no routes tell, then it is not counted. */
  constructor(regionOf: (keyspace: string, node: string) => string | null) {
    this.#regionOf = regionOf;
  }

  /** `saved`: by how many bytes more every change by itself would have been. */
  sent(keyspace: string, node: string, bytes: number, saved: number): void {
    const region = this.#regionOf(keyspace, node);
    if (region === null) return;
    const second = now();
    const key = `${keyspace} ${region}`;
    let count = this.#counts.get(key);
    if (count === undefined) {
      count = { keyspace, region, since: second, sent: 0, plain: 0, slots: [] };
      this.#counts.set(key, count);
    }
    const at = second % (SECONDS + 1);
    let slot = count.slots[at];
    if (slot?.second !== second) count.slots[at] = slot = { second, sent: 0, plain: 0 };
    for (const one of [count, slot]) {
      one.sent += bytes;
      one.plain += bytes + saved;
    }
  }

  all(): SyncCount[] {
    const second = now();
    return [...this.#counts.values()].map(({ keyspace, region, since, sent, plain, slots }) => {
      const seconds = Math.min(SECONDS, second - since);
      const over = slots.filter((slot) => slot.second < second && slot.second >= second - seconds);
      const mean = (of: (slot: Slot) => number) =>
        seconds === 0 ? 0 : over.reduce((sum, slot) => sum + of(slot), 0) / seconds;
      return {
        keyspace,
        region,
        sentBytes: sent,
        plainBytes: plain,
        seconds,
        sentBytesPerSecond: mean((slot) => slot.sent),
        plainBytesPerSecond: mean((slot) => slot.plain),
      };
    });
  }
}

function now(): number {
  return Math.floor(performance.now() / 1000);
}
