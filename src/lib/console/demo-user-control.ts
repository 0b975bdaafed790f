import type { Applied, PreparedMove, UserControl } from "../demo/user-control.js";
import { EXIT, OpsError } from "../errors.js";
import { sha256 } from "../plan/hash.js";
import type { UserPlan } from "../plan/users/types.js";
import { applyPlan } from "../run/apply.js";
import { planBalance } from "../run/balance-users.js";
import { type ChangeRequest, planChange, planRestore } from "../run/change-users.js";
import { PATIENCE, type Patience } from "../run/clock.js";
import { rollbackRun } from "../run/rollback.js";
import { readScheduleStatus } from "../run/schedule-status.js";
import type { RunEnvironment } from "../run/session.js";
import { costsOf, qualitiesOf } from "../schedule/quality/entries.js";
import { parseTopology } from "../topology/parse.js";
import { demoEnvironment } from "./demo-environment.js";

/** A demo does not wait a minute for a gateway of which it knows that it was killed. */
const SHORT: Patience = { ...PATIENCE, reconnectMs: 2_000 };
const EVERYBODY = { carrier: null, province: null, port: null };
const AS_FAST_AS_IT_GOES = { kind: "auto" } as const;

/** The functions behind `schedule status|balance|mask|disable|restore` and `run rollback` as a demo calls them. */
export function demoUserControl(
  { state, topologyText }: { readonly state: string; readonly topologyText: string },
  say: (message: string) => void,
  over: AbortSignal,
): UserControl {
  /** The one that was begun last. */
  let run = "";
  const env = demoEnvironment(
    state,
    SHORT,
    (event) => {
      if (event.type === "run") run = event.run;
      if (event.type === "retry") say(`${event.node} does not answer, and is asked again`);
      if (event.type === "note") say(event.message);
    },
    over,
  );
  const topology = parseTopology(topologyText, "topology.yaml");
  const qualities = qualitiesOf(topology, []);
  const topologyHash = sha256(topologyText);
  const request: ChangeRequest = { topology, topologyHash, costs: costsOf(qualities) };
  const asked = (reason: string) => ({ reason, actor: env.actor });
  const prepared = (plan: UserPlan | null): PreparedMove =>
    preparedMove(plan, () => applied(env, plan!, () => run));
  return {
    async status() {
      const { sites } = await readScheduleStatus(env, topology);
      return sites.map(({ id, online, loss }) => ({ id, online, loss }));
    },
    async balance(reason) {
      const quality = { kind: "stated", qualities } as const;
      const wanted = { topology, topologyHash, quality, reason, most: 1, overrides: [] };
      const { plan } = await planBalance(env, wanted);
      if (plan !== null) await applyPlan(env, plan, { until: null });
    },
    async keepAway({ site, reason, ...how }) {
      const { plan } = await planChange(env, request, {
        ...asked(reason),
        ...how,
        sites: [site],
        filter: EVERYBODY,
        pace: AS_FAST_AS_IT_GOES,
        empties: false,
      });
      return prepared(plan);
    },
    async restore(site, reason) {
      const wanted = { sites: [site], filter: EVERYBODY, pace: AS_FAST_AS_IT_GOES };
      const { plan } = await planRestore(env, request, { ...asked(reason), ...wanted });
      return prepared(plan);
    },
    rollback: (id) => rollbackRun(env, id, { to: null }),
  };
}

function preparedMove(plan: UserPlan | null, apply: () => Promise<Applied>): PreparedMove {
  if (plan === null)
    throw new OpsError("nothing-to-do", EXIT.failure, "there is nothing to change");
  const { moves, pace, silent } = plan;
  return {
    ...pace,
    users: Math.round(moves.reduce((sum, { users }) => sum + users, 0)),
    silent: silent.map(({ node }) => node),
    apply,
  };
}

async function applied(env: RunEnvironment, plan: UserPlan, run: () => string): Promise<Applied> {
  try {
    await applyPlan(env, plan, { until: null });
    return { how: "done" };
  } catch (error) {
    const isPartWay =
      error instanceof OpsError && (error.exit === EXIT.partial || error.exit === EXIT.unknown);
    if (!isPartWay) throw error;
    return { how: "stopped", run: run() };
  }
}
