import type { StateStore } from "../../state/contract.js";
import type { RouteNode, RouteTable } from "../../routing/table.js";
import type { Topology } from "../../topology/types.js";
import type { Connect } from "../agents.js";
import { dataAgents, newestTables, observedIn, surveyAgents } from "../observe.js";
import { allRuns } from "../runs.js";
import type { RunStatus } from "../journal/status.js";
import { shardsOf } from "../../plan/any.js";
import { planOf } from "../session.js";
import { storedTables } from "../tables.js";
import type { Seen, SeenRun, SeenState } from "./types.js";

/** Asks all agents of the file, then those that the routes name besides, and reads the state directory. Changes nothing. */
export async function lookAround(
  topology: Topology,
  file: string,
  store: StateStore,
  connect: Connect,
): Promise<Seen> {
  const state = (await store.exists()) ? await readState(store) : null;
  const known = dataAgents(topology);
  const agents = await connect(known);
  try {
    const survey = await surveyAgents(agents);
    const told = survey.answers.flatMap(({ tables }) => tables);
    const tables = newestTables([...told, ...(state?.tables ?? [])]);
    const others = await connect(namedElsewhere([...tables.values()], known));
    try {
      const found = await surveyAgents(others);
      const silent = [
        ...survey.unreachable.map((one) => ({ ...one, url: agents.urlOf(one.node) })),
        ...found.unreachable.map((one) => ({ ...one, url: others.urlOf(one.node) })),
      ];
      const all = {
        answers: [...survey.answers, ...found.answers],
        unreachable: [...survey.unreachable, ...found.unreachable],
      };
      return {
        topology,
        file,
        answers: survey.answers,
        strangers: found.answers,
        silent,
        observed: await observedIn(all, agents, 0),
        tables,
        state,
      };
    } finally {
      await others.close();
    }
  } finally {
    await agents.close();
  }
}

/** Nodes to which a route leads and that the file does not name. */
function namedElsewhere(
  tables: readonly RouteTable[],
  known: Readonly<Record<string, unknown>>,
): Record<string, RouteNode> {
  const live = tables.filter(({ withdrawn }) => !withdrawn);
  const named = live.flatMap(({ nodes, segments }) =>
    segments
      .flatMap(({ writer, readers }) => [writer, ...readers.map(({ node }) => node)])
      .map((node) => [node, nodes[node]!] as const),
  );
  return Object.fromEntries(named.filter(([node]) => !Object.hasOwn(known, node)));
}

async function readState(store: StateStore): Promise<SeenState> {
  const [{ runs, damaged }, holders] = [await allRuns(store), await store.holders()];
  const begun = runs.filter(({ outcome }) => outcome !== "refused");
  const isLast = (run: RunStatus) =>
    Object.keys(run.epochs).some(
      (scope) => begun.findLast(({ epochs }) => Object.hasOwn(epochs, scope)) === run,
    );
  const kept = begun.filter((run) => run.activity !== "ended" || isLast(run));
  const seen = await Promise.all(
    kept.map(async (status): Promise<SeenRun | null> => {
      const plan = shardsOf(await planOf(store, status.run));
      const isBusy = holders.some(({ run, alive }) => run === status.run && alive !== "no");
      // What moves users is none of the keyspaces' business.
      return plan === null ? null : { status, plan, isBusy };
    }),
  );
  return {
    where: store.where,
    lineage: await store.knownLineage(),
    tables: await storedTables(store),
    runs: seen.filter((run) => run !== null),
    damaged,
  };
}
