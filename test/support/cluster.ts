import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bringUp } from "../../src/lib/demo/bring-up.js";

/** Real agent processes, started from the build. They die with the test process. */
export interface TestCluster {
  /** Temporary; `stop` removes it, unless an agent died by itself. `agents/NODE/` has a node's configuration, data and `agent.log`. */
  readonly dir: string;
  /** The topology with the agents' URLs. */
  readonly topologyFile: string;
  readonly topologyText: string;
  readonly urls: Readonly<Record<string, string>>;
  url(node: string): string;
  pid(node: string): number;
  kill9(node: string): Promise<void>;
  /** On the same port and directory. Ends it first (SIGTERM) when it lives. */
  restart(node: string): Promise<void>;
  stop(): Promise<void>;
}

/** An agent for every data node of the topology and every access node that has one. Call `stop` in an `afterAll`, `afterEach` or `finally`. */
export async function startCluster(
  topologyText: string,
  gateways: { readonly heartbeatMs?: number } = {},
): Promise<TestCluster> {
  const dir = await mkdtemp(join(tmpdir(), "ops-test-"));
  const up = await bringUp({
    topologyText,
    topologyPath: "topology.yaml",
    dir,
    dieWithParent: true,
    ...gateways,
  });
  const { cluster } = up;
  return {
    dir,
    topologyFile: up.topologyFile,
    topologyText: up.topologyText,
    urls: cluster.urls,
    url: (node) => cluster.urlOf(node),
    pid: (node) => cluster.agents.find((agent) => agent.node === node)!.pid,
    kill9: (node) => cluster.kill9(node),
    restart: (node) => cluster.restart(node),
    async stop() {
      await cluster.stop(2_000);
      for (const { node, how, log, said } of cluster.deaths)
        process.stderr.write(`${node} died: ${how}; the end of ${log}:\n${said}\n`);
      if (cluster.deaths.length === 0) await rm(dir, { recursive: true, force: true });
    },
  };
}
