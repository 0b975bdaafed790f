import type { Node } from "../topology/types.js";
import { isDiscarded, isKept, isMove, type Change, type Created, type Kept } from "./changes.js";
import type { Copy } from "./draft.js";
import { copiesOf } from "./holdings.js";
import { compareText } from "./order.js";
import type { Standing } from "./standing.js";

/**
 * Which copy each new one is made from: one in the same set, else in the same region, else the primary; among equals the one
 * with the fewest copies to make so far. Only whole copies that stream serve as a source.
 */
export function chooseSources(
  changes: readonly Change[],
  nodes: ReadonlyMap<string, Node>,
  standing: ReadonlyMap<Change, readonly Standing[]>,
  bytes: (change: Change) => bigint,
): Copy[] {
  const served = new Map<string, number>();
  return changes.filter(isMade).flatMap((change) => {
    const first = change.before?.primary ?? change.after.primary;
    const whole = isKept(change) ? wholeCopies(change, standing.get(change)!) : [first];
    const size = bytes(change);
    return targetsFirst(change).map((node): Copy => {
      const source = nearest(nodes.get(node), whole, nodes, served) ?? first;
      served.set(source, (served.get(source) ?? 0) + 1);
      return { change, node, source, bytes: size };
    });
  });
}

function nearest(
  target: Node | undefined,
  copies: readonly string[],
  nodes: ReadonlyMap<string, Node>,
  served: ReadonlyMap<string, number>,
): string | null {
  const near = [
    copies.filter((copy) => nodes.get(copy)?.set === target?.set),
    copies.filter((copy) => nodes.get(copy)?.region === target?.region),
  ].find((candidates) => candidates.length > 0);
  if (!target || !near) return null;
  const load = (node: string) => served.get(node) ?? 0;
  return near.toSorted((a, b) => load(a) - load(b) || compareText(a, b))[0]!;
}

function isMade(change: Change): change is Created | Kept {
  return !isDiscarded(change);
}

/** The nodes that hold all the segments and keep up with them; the primary always does. */
function wholeCopies({ before }: Kept, standing: readonly Standing[]): string[] {
  const lagging = new Set(
    standing.filter(({ entry }) => !entry.streaming).map(({ entry }) => entry.node),
  );
  return copiesOf(before).filter((node) => node === before.primary || !lagging.has(node));
}

/** The node that will take the writes over gets the best source. */
function targetsFirst(change: Created | Kept): string[] {
  const target = isMove(change) ? change.after.primary : null;
  return change.added.toSorted(
    (a, b) => Number(b === target) - Number(a === target) || compareText(a, b),
  );
}
