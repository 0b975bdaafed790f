import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import writeFileAtomic from "write-file-atomic";
import { EXIT, OpsError } from "../errors.js";
import type { AgentSettings } from "./agent-process.js";
import { setAgentUrls } from "../topology/edit.js";
import { parseTopology } from "../topology/parse.js";
import type { Node } from "../topology/types.js";
import { lockDirectory } from "./cluster-state.js";
import { Cluster, type Bringing } from "./cluster.js";

export interface BringUpOptions {
  /** As a person gave it. */
  readonly topologyText: string;
  /** Where it comes from, for errors. */
  readonly topologyPath: string;
  readonly dir: string;
  readonly dieWithParent: boolean;
  /** Of the gateways. */
  readonly heartbeatMs?: number;
  readonly onAgent?: (node: string, how: Bringing) => void;
}

export interface Up {
  readonly cluster: Cluster;
  /** The topology with the URLs of the agents. */
  readonly topologyFile: string;
  readonly topologyText: string;
  readonly agents: readonly {
    readonly node: string;
    readonly url: string;
    readonly how: Bringing;
  }[];
  /** Nodes that are up but not in this topology. */
  readonly others: readonly string[];
}

/**
 * A real agent process for every data node and every access node with an agent of a topology, and `topology.yaml` with their URLs in `dir`. What is up already
 * stays; what died is started again on its port and data. Throws OpsError `invalid-topology`, `locked`,
 * `dev-topology-edited`, `agent-start`.
 */
export async function bringUp(options: BringUpOptions): Promise<Up> {
  const dir = resolve(options.dir);
  const settings = agentSettings(options);
  const nodes = Object.keys(settings);
  const release = lockDirectory(dir);
  try {
    const cluster = new Cluster({ dir, dieWithParent: options.dieWithParent });
    const how = new Map<string, Bringing>();
    await cluster.up(settings, (node, bringing) => {
      how.set(node, bringing);
      options.onAgent?.(node, bringing);
    });
    const topologyText = await writeTopology(cluster, options.topologyText, nodes);
    return {
      cluster,
      topologyFile: topologyFile(dir),
      topologyText,
      agents: nodes.map((node) => ({
        node,
        url: cluster.urlOf(node),
        how: how.get(node) ?? "running",
      })),
      others: cluster.agents.map(({ node }) => node).filter((node) => !nodes.includes(node)),
    };
  } finally {
    release();
  }
}

/** Stops the agents of a directory. Returns the nodes that were up. */
export async function takeDown(dir: string): Promise<string[]> {
  if (!existsSync(join(dir, "agents.json"))) {
    throw new OpsError(
      "dev-nothing",
      EXIT.usage,
      `${dir} holds no cluster: there is no agents.json`,
      {
        hint: "Pass the directory that `ops dev up --dir` was given.",
      },
    );
  }
  const release = lockDirectory(resolve(dir));
  try {
    return await new Cluster({ dir, dieWithParent: false }).stop();
  } finally {
    release();
  }
}

/** By node: those that get an agent here. */
function agentSettings({
  topologyText,
  topologyPath: path,
  heartbeatMs,
}: BringUpOptions): Record<string, AgentSettings> {
  const { nodes: all, sets } = parseTopology(topologyText, path);
  const isServed = ({ role, agent }: Node) => role !== undefined && agent !== null;
  const nodes = all.flatMap((node): [string, AgentSettings][] => {
    if (node.layer === "data") return [[node.id, { role: "data" }]];
    if (!isServed(node)) return [];
    if (node.role !== "gateway") return [[node.id, { role: "dispatch" }]];
    const { capacity } = sets.find(({ id }) => id === node.set)!;
    // Of one set: each takes its part.
    const gateways = all.filter(({ set, role }) => set === node.set && role === "gateway").length;
    const settings = {
      role: "gateway",
      site: node.set,
      loginsPerSecond: capacity.loginsPerSecond / gateways,
      maxSessions: Math.ceil(capacity.onlineUsers / gateways),
      ...(heartbeatMs === undefined ? {} : { heartbeatMs }),
    } as const;
    return [[node.id, settings]];
  });
  if (nodes.length > 0) return Object.fromEntries(nodes);
  throw new OpsError("dev-nothing", EXIT.refused, `${path} has no nodes that get an agent`, {
    hint: "Data nodes do, and access nodes with an agent.",
  });
}

/** Leaves an edited `topology.yaml` alone: a person may work on it while the given one stays as it was. */
async function writeTopology(
  cluster: Cluster,
  given: string,
  nodes: readonly string[],
): Promise<string> {
  const file = topologyFile(cluster.dir);
  const urls = Object.fromEntries(nodes.map((node) => [node, cluster.urlOf(node)]));
  const text = setAgentUrls(given, urls);
  const found = existsSync(file) ? readFileSync(file, "utf8") : null;
  if (found === text) return text;
  const known = cluster.topology;
  if (found !== null && known !== null && sha256(found) !== known.written) {
    if (sha256(given) === known.given) return found;
    throw new OpsError(
      "dev-topology-edited",
      EXIT.refused,
      `${file} was edited, and the given topology changed too`,
      {
        hint: `Give -t ${file} to go on with the edited one, or remove it. The agents are up.`,
      },
    );
  }
  await writeFileAtomic(file, text);
  await cluster.setTopology({ given: sha256(given), written: sha256(text) });
  return text;
}

function topologyFile(dir: string): string {
  return join(dir, "topology.yaml");
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
