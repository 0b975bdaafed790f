import type { Limit, Problem, Site, UserClass } from "../types.js";
import { reachOf } from "./reach.js";
import { tightest } from "./tightest.js";

/** Classes that the levels so far cannot tell apart. Amounts are in parts of all users, see `PARTS`. */
export interface Group {
  /** Classes, as indexes of the problem. */
  readonly members: readonly number[];
  readonly carrier: string;
  /** Where they are, if they could stay there. */
  readonly home: number | null;
  readonly users: number;
  /** Where they may be. */
  readonly open: readonly number[];
  /** Whether some of them may be without a place. */
  readonly mayWait: boolean;
}

/** A limit. The levels so far may have left no choice of how far over it its users are. */
export interface Cap {
  readonly limit: Limit;
  readonly sites: readonly number[];
  readonly soft: number;
  readonly overLeast: number;
  readonly overMost: number;
  /** Its users are exactly as many as `soft` and what is over it. */
  readonly isFull: boolean;
}

/** What is left to decide. */
export interface Shape {
  readonly sites: readonly Site[];
  readonly groups: readonly Group[];
  readonly caps: readonly Cap[];
  /** Most users that may leave their home; null for any number. */
  readonly moves: { readonly most: number; readonly isFull: boolean } | null;
  /** Users in one part. */
  readonly part: number;
}

/** All users are so many parts, so that tolerances of the solver, which are absolute, are far below one user. */
const PARTS = 10_000;

export function shapeOf(problem: Problem): Shape {
  const { sites, classes, moves } = problem;
  const part = Math.max(1, total(classes)) / PARTS;
  const reach = reachOf(problem);
  const groups = new Map<
    string,
    { group: Omit<Group, "users">; members: number[]; users: number }
  >();
  const indexes = new Map(sites.map(({ id }, i) => [id, i]));
  for (const [member, one] of classes.entries()) {
    if (one.users <= 0) continue;
    const at = one.site === null ? undefined : indexes.get(one.site);
    const open = reach(one);
    const home = at !== undefined && open.includes(at) ? at : null;
    const key = `${one.carrier} ${home ?? ""} ${open.join(" ")}`;
    const found = groups.get(key);
    if (found) {
      found.members.push(member);
      found.users += one.users;
    } else {
      const members = [member];
      const group = { members, carrier: one.carrier, home, open, mayWait: true };
      groups.set(key, { group, members, users: one.users });
    }
  }
  return {
    sites,
    groups: [...groups.values()].map(({ group, users }) => ({ ...group, users: users / part })),
    caps: capsOf(problem, indexes, part),
    moves: moves === null ? null : { most: moves.most / part, isFull: false },
    part,
  };
}

function capsOf(
  { limits, classes }: Problem,
  indexes: ReadonlyMap<string, number>,
  part: number,
): Cap[] {
  const byCarrier = new Map<string | null, number>([[null, total(classes)]]);
  for (const { carrier, users } of classes) {
    byCarrier.set(carrier, (byCarrier.get(carrier) ?? 0) + users);
  }
  // A limit that all users together do not reach is none.
  return tightest(limits)
    .filter(({ soft, carrier }) => soft < (byCarrier.get(carrier) ?? 0))
    .map((limit) => ({
      limit,
      sites: limit.sites.map((id) => indexes.get(id)!),
      soft: limit.soft / part,
      overLeast: 0,
      overMost: (limit.users - limit.soft) / part,
      isFull: false,
    }));
}

/** Groups of which the cost of no member is another than that of the others. */
export function splitByCost(shape: Shape, { classes, costs, moves }: Problem): Shape {
  const rows = new Map<string, number>();
  const rowOf = new Map<string, number>();
  const row = (member: number): number => {
    const { carrier, province } = classes[member]!;
    const name = `${carrier} ${province}`;
    let found = rowOf.get(name);
    if (found === undefined) {
      const tolls = moves?.tolls(carrier, province) ?? [];
      const text = [...costs(carrier, province), ...tolls].join(" ");
      found = rows.get(text) ?? rows.size;
      rows.set(text, found);
      rowOf.set(name, found);
    }
    return found;
  };
  const groups = shape.groups.flatMap((group) => {
    const byRow = new Map<number, number[]>();
    for (const member of group.members) {
      const same = byRow.get(row(member));
      if (same) same.push(member);
      else byRow.set(row(member), [member]);
    }
    return [...byRow.values()].map((members) => ({
      ...group,
      members,
      users: members.reduce((sum, member) => sum + classes[member]!.users, 0) / shape.part,
    }));
  });
  return { ...shape, groups };
}

function total(classes: readonly UserClass[]): number {
  return classes.reduce((sum, { users }) => sum + Math.max(0, users), 0);
}
