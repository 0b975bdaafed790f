import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import writeFileAtomic from "write-file-atomic";
import { EXIT, OpsError } from "../errors.js";
import { setAgentUrls } from "../topology/edit.js";
import { OPS } from "./agent-process.js";
import { bringUp } from "./bring-up.js";
import type { Cluster } from "./cluster.js";
import { demoTopologies, type DemoTopologies } from "./topologies.js";
import { durationText } from "../figures.js";

const KEPT = ".ops-demo";

/** Where a demo takes place. */
export interface DemoStage {
  readonly cluster: Cluster;
  readonly topologies: DemoTopologies;
  /** Folder for the control plane's state. */
  readonly state: string;
  /**
   * Tells of agents that died. Stops the agents and removes everything, unless one died or something `failed`: what is needed to
   * see why stays then. A kept stage stays up, and how to use it is told. May be called twice.
   */
  close(failed: boolean): Promise<void>;
}

export interface StageOptions {
  readonly keep: boolean;
  readonly say: (line: string) => void;
}

/** Starts the demo's agents. Throws OpsError `demo-kept` while an earlier one is kept. */
export async function openStage({ keep, say }: StageOptions): Promise<DemoStage> {
  const dir = keep ? resolve(KEPT) : await mkdtemp(join(tmpdir(), "ops-demo-"));
  if (keep && existsSync(dir)) {
    throw new OpsError(
      "demo-kept",
      EXIT.refused,
      `${dir} is there already: an earlier demo was kept`,
      {
        hint: `ops dev down --dir ${KEPT} && rm -r ${KEPT}`,
      },
    );
  }
  const topologies = await demoTopologies();
  const start = performance.now();
  const up = await bringUp({
    topologyText: topologies.before,
    topologyPath: "fixtures/topologies/demo/topology.yaml",
    dir,
    dieWithParent: !keep,
  });
  const { cluster } = up;
  say(
    `${up.agents.length} agents of three regions are up after ${durationText(performance.now() - start)}`,
  );
  let closed: Promise<void> | null = null;
  return {
    cluster,
    topologies,
    state: join(dir, "state"),
    close(failed) {
      closed ??= keep ? leave(cluster, topologies, say) : clear(cluster, failed, say);
      return closed;
    },
  };
}

async function clear(cluster: Cluster, failed: boolean, say: StageOptions["say"]): Promise<void> {
  await cluster.stop(3_000);
  tellDeaths(cluster, say);
  if (failed || cluster.deaths.length > 0)
    say(`Data and logs of the agents, and the state of the runs, are kept in ${cluster.dir}`);
  else await rm(cluster.dir, { recursive: true, force: true });
}

function tellDeaths({ deaths }: Cluster, say: StageOptions["say"]): void {
  for (const { node, how, log, said } of deaths)
    say(`The agent of ${node} died: ${how}. The end of ${log}:\n${said.replaceAll(/^/gm, "  ")}`);
}

async function leave(
  cluster: Cluster,
  topologies: DemoTopologies,
  say: StageOptions["say"],
): Promise<void> {
  tellDeaths(cluster, say);
  const expanded = join(KEPT, "expanded.yaml");
  await writeFileAtomic(resolve(expanded), setAgentUrls(topologies.expanded, cluster.urls));
  say(`
The cluster stays up. To play on:
  cd ${inShell(process.cwd())}
  ops() { ${inShell(OPS)} "$@"; }
  export OPS_STATE=${KEPT}/state
  ops agent status -t ${expanded}
  ops topology show ${expanded}
  ops route show
  ops run list
  ops shard expand -t ${expanded} --keyspace profile --add p3=sz-db-3,sh-db-1 -o ${KEPT}/next.yaml
  ops shard plan -t ${KEPT}/next.yaml -o ${KEPT}/plan.json
  ops shard apply ${KEPT}/plan.json --yes
  ops route lookup profile 7/name
To end it: ops dev down --dir ${KEPT} && rm -r ${KEPT}`);
}

/** As one word of a command line. */
function inShell(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
