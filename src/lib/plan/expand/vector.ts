/** What can run out at a node: memory in bytes, operations a second, network in bytes a second. Of a demand or of a capacity. */
export type Vector = readonly [memory: number, ops: number, network: number];

export const NOTHING: Vector = [0, 0, 0];

export const MEMORY = 0;
export const OPS = 1;
export const NETWORK = 2;
export type Resource = 0 | 1 | 2;
export const RESOURCES: readonly Resource[] = [MEMORY, OPS, NETWORK];

/** Two sums of the same numbers, added up in another order, differ by less than this share of them. */
export const ROUNDING = 1e-9;

export function plus(a: Vector, b: Vector): Vector {
  return [a[0] + b[0], a[1] + b[1], a[2] + b[2]];
}

export function minus(a: Vector, b: Vector): Vector {
  return [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
}

export function times(a: Vector, factor: number): Vector {
  return [a[0] * factor, a[1] * factor, a[2] * factor];
}

export function sum(vectors: readonly Vector[]): Vector {
  return vectors.reduce(plus, NOTHING);
}

/** The highest of demand / capacity. */
export function loadOf(demand: Vector, capacity: Vector): number {
  return Math.max(demand[0] / capacity[0], demand[1] / capacity[1], demand[2] / capacity[2]);
}

export function fits(demand: Vector, room: Vector): boolean {
  return demand[0] <= room[0] && demand[1] <= room[1] && demand[2] <= room[2];
}

export function same(a: Vector, b: Vector): boolean {
  return a[0] === b[0] && a[1] === b[1] && a[2] === b[2];
}

/** As much as `level` of each capacity carries, and what rounding adds. */
export function roomAt(capacity: Vector, level: number): Vector {
  return times(capacity, level * (1 + ROUNDING));
}
