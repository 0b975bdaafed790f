import { randomBytes } from "node:crypto";
import { AgentClient } from "../agent/client/client.js";
import type { Authority } from "../agent/protocol/headers.js";
import { isEnded, type Operation, type OperationRequest } from "../agent/protocol/operation.js";
import { cut } from "../policy/cut.js";
import { type Entry, type PolicyDocument, type PolicySite, SCHEDULE } from "../policy/document.js";
import type { AgentSettings } from "./agent-process.js";
import { Cluster } from "./cluster.js";
import { CARRIERS, PROVINCES } from "./sessions/people.js";

export interface SitesOptions {
  readonly dir: string;
  /** Each has one gateway, of the same name. */
  readonly sites: Readonly<
    Record<
      string,
      {
        readonly loginsPerSecond: number;
        readonly maxSessions: number;
        readonly heartbeatMs?: number;
      }
    >
  >;
  readonly dispatchers: number;
}

/** Sites with a real gateway each, real dispatchers, and the policy that they all have: every site its equal part of the users. */
export class Sites {
  readonly cluster: Cluster;
  readonly sites: readonly string[];
  readonly dispatchers: readonly string[];
  readonly #clients: ReadonlyMap<string, AgentClient>;
  readonly #authority: Authority = {
    scope: SCHEDULE,
    epoch: 1n,
    lineage: randomBytes(16).toString("hex"),
  };
  readonly #policySites: Record<string, PolicySite> = {};
  #version = 0;

  private constructor(cluster: Cluster, sites: readonly string[], dispatchers: readonly string[]) {
    this.cluster = cluster;
    this.sites = sites;
    this.dispatchers = dispatchers;
    this.#clients = new Map(
      [...sites, ...dispatchers].map((node) => [node, new AgentClient(cluster.urlOf(node))]),
    );
  }

  static async start({ dir, sites, dispatchers }: SitesOptions): Promise<Sites> {
    const cluster = new Cluster({ dir, dieWithParent: true });
    const names = Array.from({ length: dispatchers }, (_, i) => `dispatch-${i + 1}`);
    const gateways = Object.entries(sites).map(([site, limits]): [string, AgentSettings] => [
      site,
      { role: "gateway", site, ...limits },
    ]);
    const others = names.map((name): [string, AgentSettings] => [name, { role: "dispatch" }]);
    await cluster.up(Object.fromEntries([...gateways, ...others]));
    const started = new Sites(cluster, Object.keys(sites), names);
    for (const site of started.sites) {
      const { addresses } = await started.agent(site).access();
      const plain = addresses.map(({ url, port }) => ({ url, port }));
      started.#policySites[site] = { region: site, carriers: [...CARRIERS], addresses: plain };
    }
    await started.publish([]);
    return started;
  }

  /** Of a site's gateway, or of a dispatcher. */
  agent(node: string): AgentClient {
    return this.#clients.get(node)!;
  }

  get dispatchUrls(): string[] {
    return this.dispatchers.map((node) => this.cluster.urlOf(node));
  }

  /** Gives every agent that answers the next policy, with these entries. */
  async publish(entries: readonly Entry[]): Promise<void> {
    const base = cut([], new Map(this.sites.map((site) => [site, 1 / this.sites.length])));
    this.#version += 1;
    const document: PolicyDocument = {
      v: 1,
      version: this.#version,
      sites: this.#policySites,
      classes: CARRIERS.flatMap((carrier) =>
        PROVINCES.map((province) => ({ carrier, province, base })),
      ),
      entries,
    };
    const alive = [...this.#clients].filter(([node]) => this.cluster.isUp(node));
    await Promise.all(alive.map(([, agent]) => agent.putPolicy(document, this.#authority)));
  }

  /** Keeps all users away from a site. */
  entry(site: string, mode: Entry["mode"], forMs = 3_600_000): Entry {
    const now = Date.now();
    return {
      id: `${mode}-${site}`,
      site,
      carrier: null,
      province: null,
      port: null,
      mode,
      reason: "rising loss",
      actor: "demo",
      epoch: this.#authority.epoch,
      since: now,
      expires: now + forMs,
      ramp: { step: 0.1, everyMs: 1_000 },
      redirects: [],
    };
  }

  async put(site: string, id: string, request: OperationRequest): Promise<Operation> {
    return this.agent(site).putOperation(id, request, this.#authority);
  }

  /** Waits until the operation has ended, however. */
  async ended(site: string, id: string): Promise<Operation> {
    for (let rev = 0; ;) {
      const operation = await this.agent(site).waitOperation(id, rev, 10_000);
      if (operation === null) throw new Error(`${site} knows no operation ${id}`);
      if (isEnded(operation.state)) return operation;
      ({ rev } = operation);
    }
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#clients.values()].map((agent) => agent.close()));
    await this.cluster.stop(2_000);
  }
}
