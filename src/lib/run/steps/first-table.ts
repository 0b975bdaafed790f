import { EXIT } from "../../errors.js";
import {
  clip,
  gaps,
  intersect,
  overlapOf,
  pieceAt,
  pile,
  without,
  type Piece,
} from "../../keyspace/map.js";
import type { Segment } from "../../keyspace/segment.js";
import { formatSegment } from "../../keyspace/wire.js";
import type { Holding, PlanKeyspace } from "../../plan/types.js";
import { liveReaders } from "../../routing/change.js";
import { makeTable } from "../../routing/make.js";
import type { RouteSegment, RouteTable } from "../../routing/table.js";
import { entriesOn } from "../ask.js";
import type { ShardContext } from "../context.js";
import { StepFailure, failure } from "../failure.js";

/**
 * A table over a domain: what the known one says of it, and for the rest writers and generations as the primaries say, with reads
 * to all copies that there are.
 * @throws StepFailure `no-routes`
 */
export async function tableOver(
  context: ShardContext,
  keyspace: string,
  known: RouteTable | null,
  domain: Segment,
): Promise<RouteTable> {
  const { before, after } = planKeyspace(context, keyspace);
  // Of a keyspace that is made (again) an earlier table says nothing.
  const kept = (before.length === 0 ? [] : (known?.segments ?? [])).flatMap((segment) => {
    const part = overlapOf(segment, domain);
    return part === null ? [] : [{ ...segment, ...part }];
  });
  const all = [...asPieces(before), ...without(asPieces(after), before)];
  const missing = without(
    all.toSorted((a, b) => (a.lo < b.lo ? -1 : 1)),
    kept,
  ).flatMap((piece) => {
    const part = overlapOf(piece, domain);
    return part === null ? [] : [{ ...piece, ...part }];
  });
  const added = await liveRoutes(context, keyspace, missing);
  return assemble(context, keyspace, known, domain, [...kept, ...added]);
}

/**
 * A table over a domain that leads to those who hold it, whatever an earlier one says: the primaries write, all copies that can be
 * read are read.
 * @throws StepFailure `holders-changed` where one that the plan names is primary no more
 */
export async function tableOfHolders(
  context: ShardContext,
  keyspace: string,
  known: RouteTable | null,
  domain: Segment,
): Promise<RouteTable> {
  const { after } = planKeyspace(context, keyspace);
  const wanted = clip(asPieces(after), domain);
  const routes = await liveRoutes(context, keyspace, wanted);
  const [moved] = gaps(routes, domain);
  if (moved !== undefined) throw holdersChanged(context, keyspace, moved, wanted);
  const readable = new Map<string, Segment[]>();
  for (const node of new Set(after.flatMap(({ replicas }) => replicas))) {
    const entries = await entriesOn(context, null, node, keyspace, [domain]);
    readable.set(
      node,
      entries.filter((entry) => entry.readable),
    );
  }
  const segments = routes.flatMap((route) => cutByReadable(route, readable));
  return assemble(context, keyspace, known, domain, segments);
}

/** Until an agent is taken over, whoever had it before may go on with a run. */
function holdersChanged(
  { run }: ShardContext,
  keyspace: string,
  part: Segment,
  wanted: readonly Piece<Holding>[],
): StepFailure {
  const node = pieceAt(wanted, part.lo)?.value.primary ?? "nobody";
  const message = `${node} is not the primary of ${keyspace} ${formatSegment(part)} any more: the control plane that had the agents before has moved it while they were taken over`;
  const hint = `take this run back, which leaves the agents here: ops shard rollback ${run}; then run ops agent adopt again`;
  return new StepFailure(failure("holders-changed", message, { hint }), EXIT.partial);
}

/** A route's parts, each with those of its readers that can be read there. */
function cutByReadable(
  route: RouteSegment,
  readable: ReadonlyMap<string, readonly Segment[]>,
): RouteSegment[] {
  const others = route.readers.filter(({ node }) => node !== route.writer);
  const parts = others.flatMap((reader) =>
    (readable.get(reader.node) ?? []).flatMap((segment) => {
      const part = overlapOf(segment, route);
      return part === null ? [] : [{ ...part, value: reader }];
    }),
  );
  const writer = { node: route.writer, weight: 100 };
  return pile([{ lo: route.lo, hi: route.hi, value: writer }, ...parts]).map(
    ({ lo, hi, value }) => ({ ...route, lo, hi, readers: liveReaders(value) }),
  );
}

function assemble(
  context: ShardContext,
  keyspace: string,
  known: RouteTable | null,
  domain: Segment,
  segments: readonly RouteSegment[],
): RouteTable {
  const { id, sharding, domain: covers, settings } = planKeyspace(context, keyspace);
  try {
    return makeTable({
      keyspace: id,
      sharding,
      domain,
      version: known?.version ?? 1,
      settings: known === null || covers.before === null ? settings.before : known.settings,
      nodes: { ...known?.nodes, ...context.plan.nodes },
      segments,
    });
  } catch (error) {
    if (error instanceof StepFailure) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw new StepFailure(
      failure("no-routes", message, { hint: "ops agent status shows who holds what" }),
      EXIT.partial,
    );
  }
}

/** The routes of what these primaries hold. What they do not hold is left out. */
async function liveRoutes(
  context: ShardContext,
  keyspace: string,
  wanted: readonly Piece<Holding>[],
): Promise<RouteSegment[]> {
  const primaries = [...new Set(wanted.map(({ value }) => value.primary))];
  const routes = await Promise.all(
    primaries.map(async (node) => {
      const own = wanted.filter(({ value }) => value.primary === node);
      const entries = await entriesOn(context, null, node, keyspace, own);
      const written = entries
        .filter(({ role }) => role === "primary")
        .map(({ lo, hi, generation }) => ({ lo, hi, value: generation }));
      return intersect(own, written).map(({ lo, hi, value: [holding, generation] }) => {
        const { shard, primary: writer, replicas } = holding;
        const readers = [writer, ...replicas]
          .toSorted()
          .map((reader) => ({ node: reader, weight: 100 }));
        return { lo, hi, shard, writer, generation, readers };
      });
    }),
  );
  return routes.flat();
}

/**
 * The known table with the plan's nodes in it. Where no table is known (a lost state directory, agents that were never told), one
 * in which all copies of before the plan are read.
 */
export async function tableOr(
  context: ShardContext,
  keyspace: string,
  known: RouteTable | null,
): Promise<RouteTable> {
  const { domain } = planKeyspace(context, keyspace);
  const covered = domain.before ?? domain.after;
  if (known === null && covered !== null) return tableOver(context, keyspace, null, covered);
  if (known === null) throw new Error(`keyspace ${keyspace} has no domain, before nor after`);
  return { ...known, nodes: { ...known.nodes, ...context.plan.nodes } };
}

export function planKeyspace({ plan }: ShardContext, keyspace: string): PlanKeyspace {
  const found = plan.keyspaces.find(({ id }) => id === keyspace);
  if (found === undefined) throw new Error(`the plan has no keyspace ${keyspace}`);
  return found;
}

/** Who had the writes before the plan, and has them again when it is undone. */
export function writersBefore({ before }: PlanKeyspace): string[] {
  return [...new Set(before.map(({ primary }) => primary))].toSorted();
}

function asPieces(holdings: readonly Holding[]): Piece<Holding>[] {
  return holdings.map((holding) => ({ lo: holding.lo, hi: holding.hi, value: holding }));
}
