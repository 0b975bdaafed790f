import { EXIT } from "../../errors.js";
import { overlapOf } from "../../keyspace/map.js";
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
  const segments: RouteSegment[] = [];
  for (const holding of before.length > 0 ? before : after) {
    const entries = await entriesOn(context, null, holding.primary, keyspace, holding);
    for (const entry of entries) {
      const part = overlapOf(entry, holding)!;
      if (entry.role !== "primary") continue;
      const { shard, primary: writer } = holding;
      segments.push({
        ...part,
        shard,
        writer,
        generation: entry.generation,
        readers: [...readersOf(holding)],
      });
    }
  }
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
 * The newest known table with the plan's nodes in it. Where no table is known (a lost state directory, agents that were never
 * told), one in which all copies of before the plan are read.
 */
export async function knownOr(
  context: RunContext,
  keyspace: string,
): Promise<(table: RouteTable | null) => RouteTable> {
  const { nodes } = context.plan;
  const known = await context.publisher.current(keyspace);
  const made =
    known === null
      ? await firstTable(context, keyspace, ({ primary, replicas }) =>
          [primary, ...replicas].map((node) => ({ node, weight: 100 })),
        )
      : null;
  return (table) => {
    const base = table ?? made!;
    return { ...base, nodes: { ...base.nodes, ...nodes } };
  };
}

function planKeyspace({ plan }: RunContext, keyspace: string): PlanKeyspace {
  const found = plan.keyspaces.find(({ id }) => id === keyspace);
  if (found === undefined) throw new Error(`the plan has no keyspace ${keyspace}`);
  return found;
}
