/** A world is a row of integers, most of them numbers of interned values. */
export type World = readonly number[];

export interface Model {
  readonly initial: World;
  /** Every world that is one step away. `emit` with a violation when the step itself is one. */
  successors(world: World, emit: (label: string, world: World, violation?: string) => void): void;
  /** What is wrong with a world, or null. */
  violation(world: World): string | null;
}

export interface Exploration {
  readonly states: number;
  readonly transitions: number;
  /** False if the limit was reached first. */
  readonly complete: boolean;
  /** The shortest way to the first violation. */
  readonly violation: { readonly kind: string; readonly trace: readonly string[] } | null;
}

/** Breadth first, so that a trace is as short as it can be. Stops at the first violation or at `limit` distinct states. */
export function explore(model: Model, limit: number): Exploration {
  const seen = new WorldSet(model.initial.length);
  const parents: number[] = [-1];
  const labels: string[] = [""];
  const names = new Map<string, string>();
  let transitions = 0;
  let found: Exploration["violation"] = null;

  seen.add(model.initial);
  const first = model.violation(model.initial);
  if (first !== null)
    return { states: 1, transitions, complete: false, violation: { kind: first, trace: [] } };

  const trace = (at: number, last: string): string[] => {
    const steps = [last];
    for (let i = at; i > 0; i = parents[i]!) steps.push(labels[i]!);
    return steps.reverse();
  };

  for (let at = 0; at < seen.size; at++) {
    const world = seen.at(at);
    model.successors(world, (label, after, violation) => {
      if (found !== null) return;
      transitions++;
      if (violation !== undefined) {
        found = { kind: violation, trace: trace(at, label) };
        return;
      }
      if (!seen.add(after)) return;
      let name = names.get(label);
      if (name === undefined) names.set(label, (name = label));
      parents.push(at);
      labels.push(name);
      const kind = model.violation(after);
      if (kind !== null) found = { kind, trace: trace(at, label) };
    });
    if (found !== null || seen.size >= limit) {
      const complete = found === null && at === seen.size - 1;
      return { states: seen.size, transitions, complete, violation: found };
    }
  }
  return { states: seen.size, transitions, complete: true, violation: null };
}

/** Open addressing over one flat array: about 60 bytes a world instead of the several hundred of a Map of strings. */
class WorldSet {
  size = 0;
  readonly #width: number;
  #rows: Int32Array;
  #table = new Int32Array(1 << 12).fill(-1);

  constructor(width: number) {
    this.#width = width;
    this.#rows = new Int32Array(width << 10);
  }

  at(index: number): World {
    return Array.from(this.#rows.subarray(index * this.#width, (index + 1) * this.#width));
  }

  /** False if it was there. */
  add(world: World): boolean {
    if (world.length !== this.#width) throw new Error("A world changed its width.");
    let slot = this.#slot(world, 0);
    for (let index = this.#table[slot]!; index >= 0; index = this.#table[slot]!) {
      if (this.#equals(index, world)) return false;
      slot = (slot + 1) & (this.#table.length - 1);
    }
    if ((this.size + 1) * this.#width > this.#rows.length) {
      const rows = new Int32Array(this.#rows.length * 2);
      rows.set(this.#rows);
      this.#rows = rows;
    }
    this.#rows.set(world, this.size * this.#width);
    this.#table[slot] = this.size++;
    if (this.size * 2 > this.#table.length) this.#rehash();
    return true;
  }

  #equals(index: number, world: World): boolean {
    const base = index * this.#width;
    for (let i = 0; i < world.length; i++) if (this.#rows[base + i] !== world[i]) return false;
    return true;
  }

  #slot(from: World | Int32Array, base: number): number {
    let hash = 0x811c9dc5;
    for (let i = 0; i < this.#width; i++) {
      hash = Math.imul(hash ^ from[base + i]!, 0x9e3779b1);
      hash ^= hash >>> 15;
    }
    return hash & (this.#table.length - 1);
  }

  #rehash(): void {
    this.#table = new Int32Array(this.#table.length * 2).fill(-1);
    for (let index = 0; index < this.size; index++) {
      let slot = this.#slot(this.#rows, index * this.#width);
      while (this.#table[slot]! >= 0) slot = (slot + 1) & (this.#table.length - 1);
      this.#table[slot] = index;
    }
  }
}

/** Numbers for values that are equal by their JSON. */
export class Interned<T> {
  readonly #numbers = new Map<string, number>();
  readonly #values: T[] = [];

  number(value: T): number {
    const key = JSON.stringify(value, (_, part: unknown) =>
      typeof part === "bigint" ? `${part}n` : part,
    );
    let number = this.#numbers.get(key);
    if (number === undefined) {
      number = this.#values.push(value) - 1;
      this.#numbers.set(key, number);
    }
    return number;
  }

  value(number: number): T {
    return this.#values[number]!;
  }
}
