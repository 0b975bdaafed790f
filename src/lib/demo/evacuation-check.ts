import { setTimeout as sleep } from "node:timers/promises";
import { AgentClient } from "../agent/client/client.js";
import type { SessionsAnswer } from "../agent/protocol/gateway.js";
import type { Topology } from "../topology/types.js";
import type { Cluster } from "./cluster.js";
import type { EvacuationResult } from "./facts.js";
import type { CrowdFigures } from "./sessions/figures.js";
import type { User } from "./sessions/user.js";

/** Gateways learn of those who have left a little later than these. */
const SETTLED_WITHIN_MS = 5_000;

interface Timed {
  readonly seconds: number;
  readonly boundSeconds: number;
}

/** What the users say of an evacuation. */
export interface Evacuated {
  readonly site: string;
  readonly loss: number;
  readonly figures: CrowdFigures;
  /** Who was at the site. */
  readonly users: readonly User[];
  readonly moved: number;
  readonly told: number;
  readonly restored: number;
  readonly stranded: number;
  readonly leaving: Timed;
  readonly restoring: Timed;
  readonly seconds: number;
}

/** Holds what the users say against what the gateways have counted. Nobody may move any more. */
export async function checkEvacuation(
  { site, loss, figures, users, moved, told, restored, stranded, ...times }: Evacuated,
  topology: Topology,
  cluster: Cluster,
): Promise<EvacuationResult> {
  const gateways = await counted(topology, cluster, figures.online);
  const peaks = gateways.map((one) => ({
    site: one.site,
    peak: one.logins.peak,
    limit: one.logins.limit,
  }));
  const highest = peaks.reduce((a, b) => (b.peak / b.limit > a.peak / a.limit ? b : a));
  const held = sum(gateways);
  const wrong = [
    ...(stranded > 0 ? [`${stranded} users found no session again`] : []),
    ...(figures.toldTwice > 0 ? [`${figures.toldTwice} sessions were told to leave twice`] : []),
    ...(moved < users.length ? [`${users.length - moved} users of ${site} did not move`] : []),
    ...(restored < users.length
      ? [`${users.length - restored} users of ${site} are not back`]
      : []),
    ...(held !== figures.online
      ? [`the gateways hold ${held} sessions, and users have ${figures.online}`]
      : []),
    ...peaks
      .filter(({ peak, limit }) => peak > limit)
      .map((one) => `${one.site} let in ${one.peak} in a second, and takes ${one.limit}`),
  ];
  return {
    facts: {
      sessions: figures.users,
      moved,
      failedLogins: figures.failedLogins,
      strandedForEver: stranded,
      peakLoginRate: highest.peak,
      loginLimit: highest.limit,
      seconds: rounded(times.leaving.seconds),
      boundSeconds: rounded(times.leaving.boundSeconds),
    },
    details: {
      site,
      loss,
      told,
      refused: figures.refused,
      msWithout: figures.msWithout,
      longestMsWithout: figures.longestMsWithout,
      peaks,
      restored,
      restoreSeconds: rounded(times.restoring.seconds),
      restoreBoundSeconds: rounded(times.restoring.boundSeconds),
      seconds: rounded(times.seconds),
      wrong,
    },
  };
}

/** What every gateway says, as soon as they hold so many sessions; or in the end. */
async function counted(
  { nodes }: Topology,
  cluster: Cluster,
  sessions: number,
): Promise<SessionsAnswer[]> {
  const agents = nodes
    .filter(({ layer, role }) => layer === "access" && role === "gateway")
    .map(({ id }) => new AgentClient(cluster.urlOf(id)));
  try {
    for (const until = performance.now() + SETTLED_WITHIN_MS; ; await sleep(100)) {
      const answers = await Promise.all(agents.map((agent) => agent.sessions()));
      if (sum(answers) === sessions || performance.now() > until) return answers;
    }
  } finally {
    await Promise.all(agents.map((agent) => agent.close()));
  }
}

function sum(answers: readonly SessionsAnswer[]): number {
  return answers.reduce((all, one) => all + one.sessions, 0);
}

function rounded(seconds: number): number {
  return Math.round(seconds * 10) / 10;
}
