import { EXIT } from "../../errors.js";
import { intersect } from "../../keyspace/map.js";
import type { Holding, PlanKeyspace } from "../../plan/types.js";
import { makeTable } from "../../routing/make.js";
import type { Reader, RouteSegment, RouteTable } from "../../routing/table.js";
import { entriesOn } from "../ask.js";
import type { RunContext } from "../context.js";
import { StepFailure, failure } from "../failure.js";

/**
 * A keyspace's table without any earlier one: writers and generations as its primaries say. `readersOf` gives the readers
 * of a holding.
 */
export async function firstTable(
  context: RunContext,
  keyspace: string,
  readersOf: (holding: Holding) => readonly Reader[],
): Promise<RouteTable> {
  const { sharding, domain, before, after } = planKeyspace(context, keyspace);
  const holdings = before.length > 0 ? before : after;
  const primaries = [...new Set(holdings.map(({ primary }) => primary))];
  const written = new Map(
    await Promise.all(
      primaries.map(async (node) => {
        const entries = await entriesOn(context, null, node, keyspace, domain);
        const own = entries.filter(({ role }) => role === "primary");
        return [
          node,
          own.map(({ lo, hi, generation }) => ({ lo, hi, value: generation })),
        ] as const;
      }),
    ),
  );
  const wanted = (node: string) =>
    holdings.flatMap((holding) =>
      holding.primary === node ? [{ lo: holding.lo, hi: holding.hi, value: holding }] : [],
    );
  const segments = primaries
    .flatMap((node) => intersect(wanted(node), written.get(node)!))
    .map(({ lo, hi, value: [holding, generation] }): RouteSegment => {
      const { shard, primary: writer } = holding;
      return { lo, hi, shard, writer, generation, readers: [...readersOf(holding)] };
    })
    .toSorted((a, b) => (a.lo < b.lo ? -1 : 1));
  try {
    return makeTable({
      keyspace,
      sharding,
      domain,
      version: 1,
      nodes: context.plan.nodes,
      segments,
    });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new StepFailure(
      failure("no-routes", message, { hint: "ops agent status shows who holds what" }),
      EXIT.partial,
    );
  }
}

/**
 * The known table with the plan's nodes in it. Where no table is known (a lost state directory, agents that were never told), one
 * in which all copies of before the plan are read.
 */
export async function tableOr(
  context: RunContext,
  keyspace: string,
  known: RouteTable | null,
): Promise<RouteTable> {
  const everyone = ({ primary, replicas }: Holding) =>
    [primary, ...replicas].map((node) => ({ node, weight: 100 }));
  const table = known ?? (await firstTable(context, keyspace, everyone));
  return { ...table, nodes: { ...table.nodes, ...context.plan.nodes } };
}

function planKeyspace({ plan }: RunContext, keyspace: string): PlanKeyspace {
  const found = plan.keyspaces.find(({ id }) => id === keyspace);
  if (found === undefined) throw new Error(`the plan has no keyspace ${keyspace}`);
  return found;
}
