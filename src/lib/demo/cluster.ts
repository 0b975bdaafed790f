import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { EXIT, OpsError } from "../errors.js";
import { type AgentSettings, endOfLog, logOf, startAgent } from "./agent-process.js";
import { readState, writeState, type AgentRecord, type ClusterState } from "./cluster-state.js";
import { isAlive, killProcess, stopProcess } from "./process.js";
import { Watchdog } from "./watchdog.js";

export type Bringing = "running" | "started" | "restarted";

export interface ClusterOptions {
  readonly dir: string;
  /** Kill the agents when this process ends, however it ends. */
  readonly dieWithParent: boolean;
}

/** An agent that ended although nobody here had ended it. */
export interface Death {
  readonly node: string;
  /** `exit code 1`, `signal SIGKILL` */
  readonly how: string;
  readonly log: string;
  /** The last lines of its log. */
  readonly said: string;
}

/** Real agent processes on this machine, one for each node, and the record of them in `agents.json`. */
export class Cluster {
  readonly dir: string;
  #state: ClusterState;
  /** Of the nodes that were brought up here. */
  readonly #settings = new Map<string, AgentSettings>();
  #writing: Promise<void> = Promise.resolve();
  readonly #watchdog: Watchdog | null;
  /** Processes that are being ended here. */
  readonly #asked = new Set<number>();
  readonly #deaths: Death[] = [];
  readonly #died = new AbortController();

  constructor(options: ClusterOptions) {
    this.dir = resolve(options.dir);
    this.#state = readState(this.dir);
    this.#watchdog = options.dieWithParent ? new Watchdog() : null;
  }

  get agents(): readonly AgentRecord[] {
    return this.#state.agents;
  }

  get topology(): ClusterState["topology"] {
    return this.#state.topology;
  }

  /** URLs of the nodes that were ready at least once. */
  get urls(): Record<string, string> {
    return Object.fromEntries(
      this.agents.flatMap(({ node, url }) => (url === null ? [] : [[node, url]])),
    );
  }

  /** Of the agents that were started here. */
  get deaths(): readonly Death[] {
    return this.#deaths;
  }

  /** Aborted at the first of these deaths. */
  get died(): AbortSignal {
    return this.#died.signal;
  }

  urlOf(node: string): string {
    const url = this.#agent(node).url;
    if (url === null) throw notHere(node, this.dir);
    return url;
  }

  isUp(node: string): boolean {
    return isAlive(this.#agent(node));
  }

  /** Brings up what is not up, each node with its settings. A dead agent gets its old port and directory again. */
  async up(
    nodes: Readonly<Record<string, AgentSettings>>,
    onDone: (node: string, how: Bringing) => void = () => undefined,
  ): Promise<void> {
    for (const [node, settings] of Object.entries(nodes)) this.#settings.set(node, settings);
    const todo = Object.keys(nodes);
    const bring = async (): Promise<void> => {
      for (let node = todo.shift(); node !== undefined; node = todo.shift())
        onDone(node, await this.#bring(node));
    };
    const lanes = Array.from({ length: Math.max(2, availableParallelism()) }, bring);
    const failed = (await Promise.allSettled(lanes)).find((lane) => lane.status === "rejected");
    if (failed) throw failed.reason;
  }

  /** SIGKILL, as a power cut. */
  async kill9(node: string): Promise<void> {
    await killProcess(this.#ending(node));
  }

  /** The node's agent again, on the same port and directory; stops it first if it lives. */
  async restart(node: string): Promise<void> {
    await stopProcess(this.#ending(node));
    await this.#bring(node);
  }

  /** Stops every agent and forgets the processes; data, logs and ports stay. Returns the nodes that were up. */
  async stop(graceMs?: number): Promise<string[]> {
    const alive = this.agents.filter(isAlive);
    await Promise.all(alive.map(({ node }) => stopProcess(this.#ending(node), graceMs)));
    this.#watchdog?.close();
    return alive.map(({ node }) => node);
  }

  async setTopology(topology: ClusterState["topology"]): Promise<void> {
    await this.#write({ ...this.#state, topology });
  }

  async #bring(node: string): Promise<Bringing> {
    const known = this.agents.find((agent) => agent.node === node);
    if (known && known.url !== null && isAlive(known)) return "running";
    // A process that an interrupted start left behind: its port was never learned.
    if (known && isAlive(known)) await killProcess(known);
    const settings = this.#settings.get(node);
    if (settings === undefined) throw notHere(node, this.dir);
    const place = {
      node,
      settings,
      dir: known?.dir ?? join(this.dir, "agents", node),
      port: known?.url ? Number(new URL(known.url).port) : null,
    };
    // Recorded before it is ready, so that `down` finds it whenever this process is killed.
    const agent = await startAgent(place, (id) =>
      this.#record({ ...id, node, url: known?.url ?? null, dir: place.dir }),
    );
    await this.#record(agent);
    void agent.ended.then((how) => this.#bury(agent, how));
    return known?.url ? "restarted" : "started";
  }

  #bury({ node, pid, dir }: AgentRecord, how: string): void {
    if (this.#asked.delete(pid)) return;
    this.#deaths.push({ node, how, log: logOf(dir), said: endOfLog(dir) });
    this.#died.abort();
  }

  #ending(node: string): AgentRecord {
    const agent = this.#agent(node);
    this.#asked.add(agent.pid);
    return agent;
  }

  async #record(agent: AgentRecord): Promise<void> {
    const others = this.agents.filter(({ node }) => node !== agent.node);
    const { pid, startTime, node, url, dir } = agent;
    const agents = [...others, { pid, startTime, node, url, dir }].toSorted((a, b) =>
      a.node < b.node ? -1 : 1,
    );
    await this.#write({ ...this.#state, agents });
  }

  /** The state in memory is the newest; writes to the file keep its order. */
  #write(state: ClusterState): Promise<void> {
    this.#state = state;
    this.#watchdog?.watch(state.agents.filter(isAlive).map(({ pid }) => pid));
    this.#writing = this.#writing.then(() => writeState(this.dir, this.#state));
    return this.#writing;
  }

  #agent(node: string): AgentRecord {
    const agent = this.agents.find((known) => known.node === node);
    if (!agent) throw notHere(node, this.dir);
    return agent;
  }
}

function notHere(node: string, dir: string): OpsError {
  return new OpsError("unknown-node", EXIT.usage, `no agent of ${node} was started in ${dir}`);
}
