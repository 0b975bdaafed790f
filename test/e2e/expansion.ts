import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Client, createClient } from "../../src/lib/client/index.js";
import { finalCheck } from "../../src/lib/demo/final-check.js";
import { People } from "../../src/lib/demo/people.js";
import { Population } from "../../src/lib/demo/population.js";
import { decodeJournal } from "../../src/lib/run/journal/codec.js";
import type { JournalRecord } from "../../src/lib/run/journal/records.js";
import { listRuns } from "../../src/lib/run/runs.js";
import { FileStateStore } from "../../src/lib/state/file/store.js";
import { setAgentUrls } from "../../src/lib/topology/edit.js";
import { type TestCluster, startCluster } from "../support/cluster.js";
import {
  type Ended,
  type How,
  type Json,
  type KillAt,
  type Running,
  beginOps,
} from "./ops-process.js";
import { makePlan } from "./make-plan.js";
import { type Shape, topology } from "./topologies.js";

const KEYSPACE = "profile";
const USERS = 4_000;
const KEYS_EACH = 3;
export const RATES = { writesPerSecond: 100, readsPerSecond: 50 };
/** Where processes are killed at any moment: many accesses are under way then. */
export const BUSY = { writesPerSecond: 300, readsPerSecond: 150 };
/** Real agents, users who write and read all the time, and the plan that moves a part of their keys to a new shard. */
export class Expansion {
  readonly cluster: TestCluster;
  readonly dir: string;
  /** The plan of the empty cluster, and the one of the expansion. */
  readonly first: string;
  readonly plan: string;
  readonly wanted: string;
  readonly people = new People(USERS, KEYS_EACH);
  readonly population: Population;
  readonly #clients: Client[];

  private constructor(cluster: TestCluster, dir: string, random: () => number) {
    this.cluster = cluster;
    this.dir = dir;
    this.first = join(dir, "first.json");
    this.plan = join(dir, "plan.json");
    this.wanted = join(dir, "wanted.yaml");
    const agents = Object.values(cluster.urls);
    this.#clients = ["east", "west"].map((region) =>
      createClient({ agents, region, deadlineMs: 60_000, retryUnknown: true }),
    );
    this.population = new Population({
      keyspace: KEYSPACE,
      people: this.people,
      clients: this.#clients,
      random,
    });
  }

  static async start(shape: Shape = {}, random: () => number = Math.random): Promise<Expansion> {
    const expansion = await Expansion.empty(shape, random);
    await expansion.must("shard", "apply", expansion.first, "--yes");
    await expansion.population.load();
    await makePlan(expansion.wanted, expansion.plan);
    return expansion;
  }

  /** The agents hold nothing yet; the first plan is there to be applied. */
  static async empty(shape: Shape = {}, random: () => number = Math.random): Promise<Expansion> {
    return Expansion.between(topology(false, shape), topology(true, shape), random);
  }

  /** The same for any two topologies of the same nodes, with users of the keyspace `profile`. */
  static async between(
    first: string,
    wanted: string,
    random: () => number = Math.random,
  ): Promise<Expansion> {
    const cluster = await startCluster(first);
    const expansion = new Expansion(cluster, await mkdtemp(join(tmpdir(), "ops-e2e-")), random);
    await writeFile(expansion.wanted, setAgentUrls(wanted, cluster.urls));
    await makePlan(cluster.topologyFile, expansion.first);
    return expansion;
  }

  get state(): string {
    return join(this.dir, "state");
  }

  /** Users begin to write and read. */
  open(rates = RATES): void {
    this.population.start(rates);
  }

  /** Begins `ops ...`, by default with `--json`; with `killAt` it is killed after that journal append. */
  begin(args: readonly string[], how: Omit<How, "state"> = {}): Running {
    return beginOps(args, { ...how, state: this.state });
  }

  ops(args: readonly string[], killAt: KillAt = 0): Promise<Ended> {
    return this.begin(args, { killAt }).ended;
  }

  async must(...args: string[]): Promise<Json> {
    const { code, stderr, json } = await this.ops(args);
    if (code !== 0) throw new Error(`ops ${args.join(" ")} ended with ${String(code)}: ${stderr}`);
    return json;
  }

  /** Takes a run up for as long as it stops part-way or its outcome is unknown, as a person would. */
  async resumed(run: string, first: Ended): Promise<Ended> {
    let end = first;
    for (let left = 10; left > 0 && (end.code === 6 || end.code === 8); left -= 1)
      end = await this.ops(["run", "resume", run]);
    return end;
  }

  async entries(node: string): Promise<{ lo: string; hi: string; role: string }[]> {
    const status = (await (await fetch(`${this.cluster.url(node)}/v1/node`)).json()) as {
      entries: { lo: string; hi: string; role: string }[];
    };
    return status.entries.map(({ lo, hi, role }) => ({ lo, hi, role }));
  }

  /** The newest run. */
  async lastRun(): Promise<string> {
    const { runs } = await listRuns(new FileStateStore(this.state));
    return runs.at(-1)!.run;
  }

  /** What the journal of a run says. */
  async journal(run: string): Promise<readonly JournalRecord[]> {
    const path = join(this.state, "runs", run, "journal.ndjson");
    return decodeJournal(await readFile(path), path).records;
  }

  /** Everything in the state directory, by path. */
  async stateFiles(): Promise<Map<string, string>> {
    const files = new Map<string, string>();
    for (const entry of await readdir(this.state, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      files.set(path, entry.isFile() ? await readFile(path, "utf8") : "directory");
    }
    return files;
  }

  /** Once the users are gone: everything that is wrong with what any node holds. Also says what was checked. */
  async verdict(): Promise<{ wrong: unknown[]; acked: number; checked: number }> {
    await this.population.stop();
    const { ledger, wrongReads } = this.population;
    const urls = Object.values(this.cluster.urls);
    const { writers, replicas } = await finalCheck(urls, KEYSPACE, this.people, ledger);
    const wrong = [...writers, ...replicas].flatMap((copy) => copy.wrong);
    const checked = writers.reduce((sum, copy) => sum + copy.checked, 0);
    return { wrong: [...wrong, ...wrongReads], acked: ledger.acked, checked };
  }

  async stop(): Promise<void> {
    await this.population.stop();
    await Promise.all(this.#clients.map((client) => client.close()));
    await this.cluster.stop();
    await rm(this.dir, { recursive: true, force: true });
  }
}
