import { setTimeout as sleep } from "node:timers/promises";
import { KEYSPACE, valueOf, type TwoAgents } from "./agents.js";

const TICK_MS = 2;
/** Requests under way at once; what is due beyond them is not sent, and so missing in what was acknowledged. */
const UNDER_WAY_MAX = 500;

export interface Answered {
  /** `performance.now()` */
  readonly at: number;
  /** Since the moment at which the request was due. */
  readonly ms: number;
  readonly writes: number;
}

/** Writes of random rows at a steady rate, `each` of them in one request. */
export class Traffic {
  readonly #answered: Answered[] = [];
  readonly #agents: TwoAgents;
  readonly #each: number;
  readonly #running: Promise<void>;
  #stopped = false;
  #underWay = 0;
  #failure: Error | null = null;

  constructor(agents: TwoAgents, writesPerSecond: number, each: number) {
    this.#agents = agents;
    this.#each = each;
    this.#running = this.#run(writesPerSecond / each);
  }

  /** Requests answered from a moment on. Throws when one failed. */
  since(start: number): Answered[] {
    if (this.#failure !== null) throw this.#failure;
    return this.#answered.filter(({ at }) => at >= start);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
    while (this.#underWay > 0) await sleep(TICK_MS);
  }

  async #run(requestsPerSecond: number): Promise<void> {
    const start = performance.now();
    for (let sent = 0; !this.#stopped;) {
      const due = Math.floor(((performance.now() - start) * requestsPerSecond) / 1_000);
      for (; sent < due; sent += 1) {
        if (this.#underWay < UNDER_WAY_MAX)
          void this.#request(start + (sent / requestsPerSecond) * 1_000);
      }
      await sleep(TICK_MS);
    }
  }

  async #request(due: number): Promise<void> {
    this.#underWay += 1;
    try {
      await this.#write();
      const at = performance.now();
      this.#answered.push({ at, ms: at - due, writes: this.#each });
    } catch (error) {
      this.#failure ??= error instanceof Error ? error : new Error(String(error));
    } finally {
      this.#underWay -= 1;
    }
  }

  async #write(): Promise<void> {
    const rows = Array.from({ length: this.#each }, () =>
      Math.floor(Math.random() * Number(this.#agents.segment.hi)),
    );
    const { client } = this.#agents;
    if (rows.length === 1) {
      await client.put(KEYSPACE, String(rows[0]!), valueOf(rows[0]!));
      return;
    }
    const results = await client.batch(
      KEYSPACE,
      rows.map((row) => ({ op: "put", key: String(row), value: valueOf(row) }) as const),
    );
    for (const result of results) if (result.status === "failed") throw result.error;
  }
}
