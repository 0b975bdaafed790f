import { createClient, type Client } from "../client/index.js";
import { EXIT, OpsError } from "../errors.js";
import { setAgentUrls } from "../topology/edit.js";
import { parseTopology } from "../topology/parse.js";
import type { Cluster } from "./cluster.js";
import type { Control, ControlEvent, Prepared } from "./control.js";
import type { ExpansionResult } from "./facts.js";
import { finalCheck } from "./final-check.js";
import { People } from "./people.js";
import { Population } from "./population.js";
import type { Readback } from "./readback.js";
import { unlessDied } from "./stage.js";
import type { DemoTopologies } from "./topologies.js";

const KEYSPACE = "profile";
const KEYS_EACH = 3;
const RATES = { writesPerSecond: 2_000, readsPerSecond: 1_000 };
/** A killed agent stays away for so long. */
const AWAY_MS = 500;
const RESUMES_MAX = 5;

export interface ExpansionOptions {
  readonly cluster: Cluster;
  readonly topologies: DemoTopologies;
  /** Makes the control plane; it tells the listener what happens. */
  readonly control: (listener: (event: ControlEvent) => void) => Control;
  readonly users: number;
  /** 0..1 */
  readonly random: () => number;
  /** A line for a person. */
  readonly say: (line: string) => void;
}

/** The main job of moving data, from an empty cluster to a finished expansion, with people who write all the time. */
export async function playExpansion(options: ExpansionOptions): Promise<ExpansionResult> {
  return unlessDied(options.cluster, new Expansion(options).play());
}

class Expansion {
  readonly #options: ExpansionOptions;
  readonly #control: Control;
  readonly #clients: Client[];
  readonly #people: People;
  readonly #population: Population;
  readonly #started = performance.now();
  readonly #takeovers: { plannedMs: number; actualMs: number }[] = [];
  #rowsMoved = 0;
  #copySeconds = 0;
  #kills = 0;
  /** The node to kill when the next copy has begun; null for none. */
  #victim: string | null = null;
  #killing: Promise<void> | null = null;

  constructor(options: ExpansionOptions) {
    const { cluster, topologies, users, random } = options;
    this.#options = options;
    this.#control = options.control((event) => this.#note(event));
    const agents = Object.values(cluster.urls);
    const { sets, keyspaces } = parseTopology(topologies.before, "topology.yaml");
    this.#clients = sets.map(({ id, region }) =>
      createClient({ agents, region, set: id, deadlineMs: 15_000, retryUnknown: true }),
    );
    const { domain } = keyspaces.find(({ id }) => id === KEYSPACE)!;
    this.#people = new People(users, KEYS_EACH, Number(domain.hi - domain.lo));
    this.#population = new Population({
      keyspace: KEYSPACE,
      people: this.#people,
      clients: this.#clients,
      random,
    });
  }

  async play(): Promise<ExpansionResult> {
    try {
      await this.#create();
      await this.#load();
      this.#population.start(RATES);
      this.#say(
        `users write and read: ${RATES.writesPerSecond} writes/s, ${RATES.readsPerSecond} reads/s`,
      );
      const rollbacks = await this.#expand();
      await this.#population.stop();
      return await this.#check(rollbacks);
    } finally {
      await this.#population.stop();
      await this.#killing;
      await Promise.all(this.#clients.map((client) => client.close()));
    }
  }

  async #create(): Promise<void> {
    const plan = await this.#plan(this.#options.topologies.before);
    await this.#insist(() => plan.apply());
    this.#say(`the empty cluster is set up: ${plan.steps} steps`);
  }

  async #load(): Promise<void> {
    const start = performance.now();
    await this.#population.load();
    const seconds = (performance.now() - start) / 1_000;
    const { slots, users } = this.#people;
    this.#say(
      `loaded ${users} users, ${slots} keys: ${Math.round(slots / seconds)} acknowledged writes/s`,
    );
  }

  /** Expansion, rollback, and the expansion again for good. Returns how often it was rolled back. */
  async #expand(): Promise<number> {
    const plan = await this.#plan(this.#options.topologies.expanded);
    this.#say(`expansion planned: ${plan.stages.join(" > ")}`);
    this.#victim = this.#sourceOfExpansion();
    const first = await this.#insist(() => plan.apply());
    this.#say(`run ${first} applied: the new shard takes the writes of its half`);
    const verified = await this.#insist(() => this.#control.verify(first));
    this.#say(`verified: ${verified} rows are the same at both ends of every link`);
    await this.#insist(() => this.#control.rollback(first));
    this.#say(`run ${first} rolled back: the old shard has its writes again`);
    const second = await this.#insist(() => plan.apply());
    this.#say(`the same plan applied again as run ${second}`);
    await this.#insist(() => this.#control.finalize(second));
    this.#say("finalized: the old copies are dropped");
    return 1;
  }

  async #check(rollbacks: number): Promise<ExpansionResult> {
    const { cluster } = this.#options;
    const { ledger, wrongReads, failures, lastFailure } = this.#population;
    const check = await finalCheck(Object.values(cluster.urls), KEYSPACE, this.#people, ledger);
    const copies = [...check.writers, ...check.replicas];
    const wrongLive = (verdict: string): number =>
      wrongReads.filter((read) => read.verdict === verdict).length;
    const metrics = this.#clients.map((client) => client.metrics());
    const reads = sum(
      metrics,
      ({ reads: { sameSet, sameRegion, elsewhere } }) => sameSet + sameRegion + elsewhere,
    );
    const near = sum(metrics, ({ reads: { sameSet, sameRegion } }) => sameSet + sameRegion);
    return {
      facts: {
        acked: ledger.acked,
        checked: sum(check.writers, ({ checked }) => checked),
        lost:
          sum(copies, ({ lost, foreign }) => lost + foreign) +
          wrongLive("lost") +
          wrongLive("foreign"),
        resurrected: sum(copies, ({ resurrected }) => resurrected) + wrongLive("resurrected"),
        rowsMoved: this.#rowsMoved,
        rowsPerSecond: this.#copySeconds > 0 ? Math.round(this.#rowsMoved / this.#copySeconds) : 0,
        takeovers: this.#takeovers,
        rollbacks,
        kills: this.#kills,
        nearReads: reads === 0 ? 0 : Math.round((near / reads) * 1_000) / 1_000,
        seconds: Math.round((performance.now() - this.#started) / 100) / 10,
      },
      details: {
        users: this.#people.users,
        replicaKeys: sum(check.replicas, ({ keys }) => keys),
        unknown: ledger.unknown,
        failures,
        lastFailure,
        redirects: sum(metrics, ({ redirects }) => redirects),
        fencesWaited: sum(metrics, ({ fences }) => fences.waited),
        longestFenceMs: Math.max(...metrics.map(({ fences }) => fences.longestMs)),
        convergence: check.convergence,
        wrong: [
          ...copies.flatMap(wrongOf),
          ...wrongReads.map(({ key, verdict }) => `${key}: a read was ${verdict}`),
        ].slice(0, 10),
      },
    };
  }

  #plan(topology: string): Promise<Prepared> {
    return this.#control.plan(setAgentUrls(topology, this.#options.cluster.urls));
  }

  /** Takes up what stopped part-way, as a person would once the agent is back. */
  async #insist<T>(work: () => Promise<T>): Promise<T> {
    for (let left = RESUMES_MAX; ; left -= 1) {
      try {
        return await work();
      } catch (error) {
        const partWay =
          error instanceof OpsError && (error.exit === EXIT.partial || error.exit === EXIT.unknown);
        if (!partWay || left === 0 || this.#options.cluster.died.aborted) throw error;
        this.#say(`stopped part-way: ${error.message}; taking it up`);
        await this.#killing;
      }
    }
  }

  #note(event: ControlEvent): void {
    if (event.type === "takeover")
      this.#takeovers.push({ plannedMs: event.plannedMs, actualMs: event.actualMs });
    if (event.type === "copied") {
      this.#rowsMoved += event.rows;
      this.#copySeconds += event.seconds;
    }
    if (event.type === "trouble") this.#say(event.message);
    if (event.type === "stage" && event.stage.endsWith("-sync") && this.#victim !== null) {
      this.#killing = this.#killAndRestart(this.#victim);
      // Whoever waits for it gets the failure; until then it is nobody's.
      this.#killing.catch(() => undefined);
      this.#victim = null;
    }
  }

  async #killAndRestart(node: string): Promise<void> {
    const { cluster } = this.#options;
    await cluster.kill9(node);
    this.#kills += 1;
    this.#say(`killed ${node} (-9), the source of the copy`);
    await new Promise((resolve) => setTimeout(resolve, AWAY_MS));
    await cluster.restart(node);
    this.#say(`${node} is back`);
  }

  /** The primary that the expansion takes users from. */
  #sourceOfExpansion(): string {
    const { before, expanded } = this.#options.topologies;
    const shards = (text: string) =>
      parseTopology(text, "topology.yaml").keyspaces.find(({ id }) => id === KEYSPACE)!.shards;
    const old = shards(before);
    const added = shards(expanded).find(({ id }) => old.every((shard) => shard.id !== id))!;
    const place = added.segments[0]!.lo;
    return old.find(({ segments }) => segments.some(({ lo, hi }) => lo <= place && place < hi))!
      .primary;
  }

  #say(line: string): void {
    this.#options.say(line);
  }
}

function sum<T>(all: readonly T[], of: (one: T) => number): number {
  return all.reduce((total, one) => total + of(one), 0);
}

function wrongOf({ wrong }: Readback): string[] {
  return wrong.map(
    ({ key, verdict, seen }) =>
      `${key}: ${verdict}, found ${seen === null ? "nothing" : `write ${seen}`}`,
  );
}
