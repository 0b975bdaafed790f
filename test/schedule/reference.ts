import type { Limit, Problem, UserClass } from "../../src/lib/schedule/types.js";

/** The model of docs/scheduling.md written down once more, as plainly as it goes, to compare with. */

/** The sites where users of a class may be. */
export function mayBe({ sites, closed }: Problem, one: UserClass): string[] {
  return sites
    .filter(({ id, carriers, loginsPerSecond }) => {
      const shut = closed.some(
        (closure) =>
          closure.site === id &&
          [null, one.carrier].includes(closure.carrier) &&
          [null, one.province].includes(closure.province),
      );
      const reached = one.carrier === "other" || carriers.includes(one.carrier);
      return reached && !shut && (loginsPerSecond > 0 || one.site === id);
    })
    .map(({ id }) => id);
}

function canStay(problem: Problem, one: UserClass): boolean {
  return one.site !== null && mayBe(problem, one).includes(one.site);
}

/** What a user of the class pays for a move there. */
function toll(problem: Problem, one: UserClass, to: string): number {
  const { sites, moves } = problem;
  if (moves === null || one.site === to || !canStay(problem, one)) return 0;
  const row = moves.tolls(one.carrier, one.province);
  const at = (site: string | null) => row[sites.findIndex(({ id }) => id === site)]!;
  return at(one.site) + at(to);
}

/** Limits of the same users are one, the tightest. */
function merged(limits: readonly Limit[]): Limit[] {
  const same = (a: Limit, b: Limit) =>
    a.carrier === b.carrier && String(a.sites.toSorted()) === String(b.sites.toSorted());
  return limits
    .filter((limit, i) => limits.findIndex((other) => same(limit, other)) === i)
    .map((limit) => {
      const all = limits.filter((other) => same(limit, other));
      const users = Math.min(...all.map((one) => one.users));
      return { ...limit, users, soft: Math.min(users, ...all.map(({ soft }) => soft)) };
    });
}

/** Users at each site by class; null where that is not allowed. The last level is not among the values. */
export function valuesOf(
  problem: Problem,
  placed: readonly ReadonlyMap<string, number>[],
): number[] | null {
  const { sites, limits, classes, costs, moves } = problem;
  let [unplaced, over, moved, cost] = [0, 0, 0, 0];
  let left = 0;
  for (const [i, one] of classes.entries()) {
    const at = placed[i]!;
    const all = [...at.values()].reduce((a, b) => a + b, 0);
    unplaced += one.users - all;
    if (canStay(problem, one)) {
      moved += one.users - (at.get(one.site!) ?? 0);
      left += all - (at.get(one.site!) ?? 0);
    }
    for (const [j, { id }] of sites.entries()) {
      cost += (at.get(id) ?? 0) * (costs(one.carrier, one.province)[j]! + toll(problem, one, id));
    }
  }
  for (const { sites: ids, carrier, users, soft } of merged(limits)) {
    let load = 0;
    for (const [i, one] of classes.entries()) {
      if (carrier !== null && carrier !== one.carrier) continue;
      for (const id of ids) load += placed[i]!.get(id) ?? 0;
    }
    if (load > users + 1e-6) return null;
    over += Math.max(0, load - soft);
  }
  if (moves === null) return [unplaced, over, moved, cost];
  return left > moves.most + 1e-6 ? null : [unplaced, over, cost];
}

/** The best of all placements of whole users. */
export function bestOfAll(problem: Problem): number[] {
  const ways = problem.classes.map((one) => spread(mayBe(problem, one), one.users));
  let best: number[] | null = null;
  const placed: ReadonlyMap<string, number>[] = [];
  const go = (i: number): void => {
    if (i === ways.length) {
      const values = valuesOf(problem, placed);
      if (values && (best === null || isLess(values, best))) best = values;
      return;
    }
    for (const way of ways[i]!) {
      placed[i] = way;
      go(i + 1);
    }
  };
  go(0);
  return best!;
}

function isLess(a: readonly number[], b: readonly number[]): boolean {
  const at = a.findIndex((value, i) => value !== b[i]);
  return at >= 0 && a[at]! < b[at]!;
}

/** All ways to have up to so many users over some sites. */
function spread(sites: readonly string[], users: number): ReadonlyMap<string, number>[] {
  const [site, ...rest] = sites;
  if (site === undefined) return [new Map()];
  return Array.from({ length: users + 1 }, (_, n) => n).flatMap((n) =>
    spread(rest, users - n).map((way) => new Map([[site, n], ...way])),
  );
}

/** The same LPs, level after level, as text, with what was reached so far as a row of its own. Also the seconds. */
export function levelAfterLevel(
  problem: Problem,
  solve: (text: string) => { readonly Status: string; readonly ObjectiveValue: number },
): number[] {
  const { sites, limits, classes, costs, moves } = problem;
  const rows: string[] = [];
  const terms = (list: readonly string[]) => (list.length > 0 ? list.join(" + ") : "0 none");
  const waits = classes.map((_, i) => `w_${i}`);
  const places = classes.map((one) => mayBe(problem, one));
  const all = classes.flatMap((_, i) => places[i]!.map((id) => ({ i, id, name: `x_${i}_${id}` })));
  for (const [i, { users }] of classes.entries()) {
    const own = all.filter((one) => one.i === i).map(({ name }) => name);
    rows.push(`${terms([...own, waits[i]!])} = ${users}`);
  }
  const over: string[] = [];
  for (const [i, { sites: ids, carrier, users, soft }] of merged(limits).entries()) {
    const counted = all.filter(
      (one) => ids.includes(one.id) && (carrier === null || classes[one.i]!.carrier === carrier),
    );
    rows.push(`${terms(counted.map(({ name }) => name))} - o_${i} <= ${soft}`);
    rows.push(`o_${i} <= ${users - soft}`);
    over.push(`o_${i}`);
  }
  const stays = classes.map((one) => canStay(problem, one));
  const left = all.filter(({ i, id }) => stays[i] && id !== classes[i]!.site);
  if (moves !== null) rows.push(`${terms(left.map(({ name }) => name))} <= ${moves.most}`);
  for (const { id, loginsPerSecond } of sites) {
    const come = all.filter((one) => one.id === id && classes[one.i]!.site !== id);
    rows.push(`${terms(come.map(({ name }) => name))} - ${loginsPerSecond} t <= 0`);
  }
  const cost = all.map(({ i, id, name }) => {
    const { carrier, province } = classes[i]!;
    const own = costs(carrier, province)[sites.findIndex((one) => one.id === id)]!;
    return `${own + toll(problem, classes[i]!, id)} ${name}`;
  });
  const moved = [...left.map(({ name }) => name), ...waits.filter((_, i) => stays[i])];
  const goals = [waits, over, ...(moves === null ? [moved] : []), cost, ["t"]].map(terms);
  return goals.map((goal) => {
    const text = `Minimize\n obj: ${goal}\nSubject To\n${rows.map((row, n) => ` r${n}: ${row}`).join("\n")}\nEnd\n`;
    const { Status, ObjectiveValue } = solve(text);
    if (Status !== "Optimal") throw new Error(`${Status}:\n${text}`);
    rows.push(`${goal} <= ${ObjectiveValue + 1e-6}`);
    return ObjectiveValue;
  });
}
