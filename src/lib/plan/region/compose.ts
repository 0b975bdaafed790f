import { sumEstimates } from "../estimate.js";
import { hashOf, planHash } from "../hash.js";
import { compareText } from "../order.js";
import { PLAN_VERSION, type ShardPlan, type ShardStage } from "../types.js";
import type { UserPlan, UserStage } from "../users/types.js";
import type { RegionPlan, RegionPlanParts } from "./types.js";

type Halves = Pick<RegionPlanParts, "users" | "shards">;
type Stage = ShardStage | UserStage;

/** Puts the stages of both halves in order, and gives them and their steps ids that are unique in both together. */
export function composePlan(parts: Omit<RegionPlanParts, "order">): RegionPlan {
  const row = inOrder(parts);
  const ids = new Map(row.map((stage, i) => [stage, `${i + 1}-${stage.id.replace(/^\d+-/, "")}`]));
  let steps = 0;
  const named = new Map(
    row.map((stage) => [
      stage,
      {
        ...stage,
        id: ids.get(stage)!,
        waves: stage.waves.map((wave) => wave.map((step) => ({ ...step, id: `s${(steps += 1)}` }))),
      },
    ]),
  );
  const renamed = <P extends ShardPlan | UserPlan>(plan: P | null): P | null => {
    if (plan === null) return null;
    const { hash: _, ...body } = {
      ...plan,
      stages: plan.stages.map((stage) => named.get(stage)!),
    };
    return { ...body, hash: planHash(body) } as unknown as P;
  };
  const users = renamed(parts.users);
  const shards = renamed(parts.shards);
  return regionPlan({ ...parts, users, shards, order: row.map((stage) => ids.get(stage)!) });
}

/** With all that follows from the parts. Throws RangeError for an order that names a stage which neither half has. */
export function regionPlan(parts: RegionPlanParts): RegionPlan {
  const { users, shards, order } = parts;
  const all = new Map(stagesOf(parts).map((stage) => [stage.id, stage]));
  const stages = order.map((id) => {
    const stage = all.get(id);
    if (stage === undefined) throw new RangeError(`there is no stage ${id}`);
    return stage;
  });
  if (stages.length !== all.size) throw new RangeError("the order leaves stages out");
  return {
    ...parts,
    v: PLAN_VERSION,
    kind: "region",
    hash: regionHash(parts),
    scopes: [...(users?.scopes ?? []), ...(shards?.scopes ?? [])].toSorted(compareText),
    nodes: { ...users?.nodes, ...shards?.nodes },
    stages,
    estimate: sumEstimates(
      [users, shards].flatMap((half) => half?.estimate ?? []),
      "measured",
    ),
  };
}

/** The halves are in it by their own names. */
function regionHash({
  createdAt,
  topology,
  change,
  users,
  shards,
  order,
  stays,
  usersStay,
}: RegionPlanParts): string {
  const halves = { users: users?.hash ?? null, shards: shards?.hash ?? null };
  return hashOf({
    v: PLAN_VERSION,
    createdAt,
    topology,
    change,
    ...halves,
    order,
    stays,
    usersStay,
  });
}

function stagesOf({ users, shards }: Halves): Stage[] {
  return [...(users?.stages ?? []), ...(shards?.stages ?? [])];
}

/** Users who are told to log in elsewhere find the writes there already. */
const TELLS: ReadonlySet<Stage["kind"]> = new Set(["move", "return"]);

/**
 * All that only looks comes first. Then logins go the other way, which takes a second and disturbs nobody; then the writes; at last
 * those who are connected, which takes the longest.
 */
function inOrder({ users, shards }: Halves): Stage[] {
  const ofUsers = users?.stages ?? [];
  const ofShards = shards?.stages ?? [];
  const reach = ofUsers.filter(({ kind }) => kind === "reach");
  const preflight = ofShards.filter(({ kind }) => kind === "preflight");
  const others = ofUsers.slice(reach.length);
  const tells = others.findIndex(({ kind }) => TELLS.has(kind));
  const cut = tells === -1 ? others.length : tells;
  return [
    ...reach,
    ...preflight,
    ...others.slice(0, cut),
    ...ofShards.slice(preflight.length),
    ...others.slice(cut),
  ];
}
