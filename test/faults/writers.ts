import { setTimeout as sleep } from "node:timers/promises";
import type { TestNode } from "../agent/nodes.js";
import type { Random } from "./random.js";

/** What was done to one key. `value` null: deleted. */
interface Done {
  readonly value: string | null;
  /** `generation.index`. */
  readonly position: string;
}

/** Everything that is known of one key, which one writer alone writes. */
interface KeyRecord {
  acked: Done | null;
  /** Sent after the last acknowledgement, and never answered: each may or may not have been applied. */
  readonly unknown: (string | null)[];
}

interface Reign {
  readonly node: string;
  readonly generation: bigint;
}

/** Everything that writers were told, and every contradiction in it. */
export class WriteRecord {
  readonly keys = new Map<string, KeyRecord>();
  readonly violations: string[] = [];
  acknowledged = 0;
  unanswered = 0;
  /** By slice: who acknowledged in which generation. */
  readonly #reigns = new Map<number, Map<bigint, string>>();
  /** By slice: the highest generation in which a write was acknowledged. */
  readonly #highest = new Map<number, Reign>();

  of(key: string): KeyRecord {
    let known = this.keys.get(key);
    if (known === undefined) this.keys.set(key, (known = { acked: null, unknown: [] }));
    return known;
  }

  highest(slice: number): Reign | null {
    return this.#highest.get(slice) ?? null;
  }

  /** `before`: the highest reign that was known when the request was sent. A later request is never taken by an older reign. */
  acked(slice: number, key: string, done: Done, by: Reign, before: Reign | null): void {
    const record = this.of(key);
    record.acked = done;
    record.unknown.length = 0;
    this.acknowledged += 1;
    let reigns = this.#reigns.get(slice);
    if (reigns === undefined) this.#reigns.set(slice, (reigns = new Map<bigint, string>()));
    const other = reigns.get(by.generation);
    if (other === undefined) reigns.set(by.generation, by.node);
    else if (other !== by.node)
      this.violate(
        `slice ${slice}: ${other} and ${by.node} both took writes in generation ${by.generation}`,
      );
    if (before !== null && by.generation < before.generation) {
      this.violate(
        `slice ${slice}: ${by.node} took a write in generation ${by.generation} after ${before.node} took one in ${before.generation}`,
      );
    }
    const highest = this.highest(slice);
    if (highest === null || by.generation > highest.generation) this.#highest.set(slice, by);
  }

  /** Sent, and nobody knows whether it was applied. */
  unknown(key: string, value: string | null): void {
    this.unanswered += 1;
    this.of(key).unknown.push(value);
  }

  violate(what: string): void {
    this.violations.push(what);
  }

  /** Whether a value (null: none) can be what the key holds now. */
  allows(key: string, value: string | null): boolean {
    const { acked, unknown } = this.of(key);
    return value === (acked?.value ?? null) || unknown.includes(value);
  }
}

export interface WritersOptions {
  readonly nodes: readonly TestNode[];
  /** Bounds of the slices: `slices + 1` positions. */
  readonly bounds: readonly number[];
  readonly random: Random;
  readonly record: WriteRecord;
  readonly count: number;
}

/** Writers that never stop and never give up: each writes and deletes keys of its own, one after the other. */
export class Writers {
  readonly #options: WritersOptions;
  readonly #running: Promise<void>[];
  #stopping = false;

  constructor(options: WritersOptions) {
    this.#options = options;
    this.#running = Array.from({ length: options.count }, async (_, writer) => this.#write(writer));
  }

  /** Resolves when the last write of each has been answered. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#running);
  }

  async #write(writer: number): Promise<void> {
    const { bounds, random, nodes } = this.#options;
    const slices = bounds.length - 1;
    const targets = new Map<number, TestNode>();
    for (let sequence = 1; !this.#stopping; sequence += 1) {
      const slice = random.below(slices);
      const [lo, hi] = [bounds[slice]!, bounds[slice + 1]!];
      const key = `${lo + random.below(Math.min(5, hi - lo))}/w${writer}-${random.below(6)}`;
      const value = random.next() < 0.25 ? null : `${writer}:${sequence}`;
      const answered = await this.#until(slice, key, value, targets);
      if (answered && random.next() < 0.2) await this.#readBack(key, random.of(nodes));
      await sleep(2);
    }
  }

  /** Tries the same write until somebody acknowledges it. After one that was never answered it may go on with another value. */
  async #until(
    slice: number,
    key: string,
    value: string | null,
    targets: Map<number, TestNode>,
  ): Promise<boolean> {
    const { nodes, random, record } = this.#options;
    const until = performance.now() + 120_000;
    for (;;) {
      const node = targets.get(slice) ?? nodes[0]!;
      const before = record.highest(slice);
      let answer: Response;
      let problem: { code?: string; owner?: string | null } = {};
      try {
        answer = await node.data(
          key,
          value === null ? { method: "DELETE" } : { method: "PUT", body: value },
        );
        if (answer.status !== 204) problem = (await answer.json()) as typeof problem;
      } catch {
        record.unknown(key, value);
        targets.set(slice, random.of(nodes));
        await sleep(50);
        if (random.next() < 0.5 || performance.now() > until) return false;
        continue;
      }
      if (problem.code === "ack-timeout") {
        record.unknown(key, value);
        if (random.next() < 0.5 || performance.now() > until) return false;
        continue;
      }
      if (answer.status === 204) {
        const position = answer.headers.get("ops-position") ?? "";
        const generation = BigInt(answer.headers.get("ops-generation") ?? "0");
        targets.set(slice, node);
        record.acked(slice, key, { value, position }, { node: node.name, generation }, before);
        return true;
      }
      if (problem.code === "wrong-node") {
        const owner = nodes.find(({ url }) => url === problem.owner);
        targets.set(slice, owner ?? random.of(nodes));
      } else if (problem.code !== "moving" && problem.code !== "no-follower") {
        record.violate(
          `a write of ${key} at ${node.name} was answered ${answer.status} ${JSON.stringify(problem)}`,
        );
        return false;
      }
      if (performance.now() > until) {
        record.violate(`a write of ${key} was refused for two minutes: ${JSON.stringify(problem)}`);
        return false;
      }
      await sleep(5);
    }
  }

  /** Any copy that has the write shows it: nobody else writes this key. */
  async #readBack(key: string, node: TestNode): Promise<void> {
    const { record } = this.#options;
    const { acked } = record.of(key);
    if (acked === null) return;
    let answer: Response;
    let text: string;
    try {
      answer = await node.data(key, { headers: { "ops-min-position": acked.position } });
      text = await answer.text();
    } catch {
      return;
    }
    const found = answer.status === 200 ? text : null;
    if (answer.status !== 200 && answer.status !== 404) return;
    if (answer.status === 404 && (JSON.parse(text) as { code: string }).code !== "not-found")
      return;
    if (found !== acked.value) {
      record.violate(
        `${node.name} has ${key} at ${acked.position} as ${String(found)}, acknowledged was ${String(acked.value)}`,
      );
    }
  }
}
