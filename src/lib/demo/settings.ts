import { join, resolve } from "node:path";
import writeFileAtomic from "write-file-atomic";
import { setAgentUrls } from "../topology/edit.js";
import type { Setting } from "./stage.js";
import {
  type DemoTopologies,
  EVACUATION_FILE,
  EXPANSION_FILE,
  usersTopology,
} from "./topologies.js";

/** Loss is to show within seconds, also that of few users; and a heartbeat that a busy machine is late with is not lost. */
const HEARTBEATS_PER_SECOND = 2_000;
const LEAST_MS = 1_000;

/** Data nodes of three regions. */
export function expansionSetting({ before, expanded }: DemoTopologies): Setting {
  return {
    agents: {
      topologyText: before,
      topologyPath: `fixtures/topologies/${EXPANSION_FILE}`,
    },
    kept: ".ops-demo",
    async playOn(cluster, folder) {
      const file = join(folder, "expanded.yaml");
      await writeFileAtomic(resolve(file), setAgentUrls(expanded, cluster.urls));
      return [
        `ops agent status -t ${file}`,
        `ops topology show ${file}`,
        "ops route show",
        "ops run list",
        `ops shard expand -t ${file} --keyspace profile --add p3=sz-db-3,sh-db-1 -o ${folder}/next.yaml`,
        `ops shard plan -t ${folder}/next.yaml -o ${folder}/plan.json`,
        `ops shard apply ${folder}/plan.json --yes`,
        "ops route lookup profile 7/name",
      ];
    },
  };
}

/** Gateways and dispatchers of three regions. Who plays on lets people log in: those of the demo leave with it. */
export async function evacuationSetting(sessions: number): Promise<Setting> {
  return {
    agents: {
      topologyText: await usersTopology(),
      topologyPath: `fixtures/topologies/${EVACUATION_FILE}`,
      heartbeatMs: Math.max(LEAST_MS, Math.ceil((sessions * 1_000) / HEARTBEATS_PER_SECOND)),
    },
    kept: ".ops-demo-users",
    playOn: async (_, folder) => {
      const file = `${folder}/topology.yaml`;
      return [
        `ops dev people -t ${file} --users 500 &`,
        // Until they are there: while they log in the others have no logins to spare.
        "sleep 8",
        `ops schedule status -t ${file}`,
        `ops schedule disable sz -t ${file} --mode weak --reason drill --ttl 1h --ramp 200ms --yes`,
        `ops schedule restore sz -t ${file} --reason "drill is over" --yes`,
        "ops run list",
      ];
    },
  };
}
