import { setTimeout as sleep } from "node:timers/promises";
import { EXIT, OpsError } from "../errors.js";
import { durationText, groupedText } from "../figures.js";
import { parseTopology } from "../topology/parse.js";
import type { Topology } from "../topology/types.js";
import type { Cluster } from "./cluster.js";
import { crowdOf } from "./demand.js";
import { checkEvacuation, type Evacuated } from "./evacuation-check.js";
import type { EvacuationResult } from "./facts.js";
import type { Crowd } from "./sessions/crowd.js";
import type { Person } from "./sessions/dispatch-client.js";
import type { User } from "./sessions/user.js";
import { unlessDied } from "./stage.js";
import type { Applied, KeptAway, UserControl } from "./user-control.js";

/**
 * Share of the heartbeats that are lost on the way to the site, rising to `most`. That is what still lets users back (more holds a
 * ramp): what was measured counts half after a minute, and a demo has no time to wait for that.
 */
const LOSS = { perSecond: 0.04, most: 0.06, noticed: 0.02 };
const WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 20;
const ENTRY = { ttlMs: 600_000, ramp: { step: 0.1, everyMs: 200 } };
const REASON = "heartbeats are lost";

export interface EvacuationOptions {
  readonly cluster: Cluster;
  readonly topologyText: string;
  /** Makes the control plane; it tells what a person would see. */
  readonly control: (say: (message: string) => void) => UserControl;
  readonly sessions: number;
  /** 0..1 */
  readonly random: () => number;
  /** A line for a person. */
  readonly say: (line: string) => void;
}

/** A site that gets worse is masked, left, dies on the way, and gets its users back, with people who are connected all the time. */
export async function playEvacuation(options: EvacuationOptions): Promise<EvacuationResult> {
  return unlessDied(options.cluster, new Evacuation(options).play());
}

class Evacuation {
  readonly #options: EvacuationOptions;
  readonly #control: UserControl;
  readonly #topology: Topology;
  readonly #crowd: Crowd;
  /** By which people come. */
  readonly #loginsPerSecond: number;
  /** The one that gets worse, and its gateway. */
  readonly #site: string;
  readonly #gateway: string;
  readonly #over = new AbortController();
  /** No wait outlasts the play, nor the cluster. */
  readonly #ended: AbortSignal;
  /** Since when; null: all is well. */
  #worseSince: number | null = null;

  constructor(options: EvacuationOptions) {
    const { topologyText, control, sessions, random, say } = options;
    this.#options = options;
    this.#control = control(say);
    this.#ended = AbortSignal.any([options.cluster.died, this.#over.signal]);
    const topology = parseTopology(topologyText, "topology.yaml");
    this.#topology = topology;
    const { sets, nodes } = topology;
    this.#site = sets[0]!.id;
    this.#gateway = nodes.find(({ set, role }) => set === this.#site && role === "gateway")!.id;
    const network = (_: Person, site: string) => ({
      loss: site === this.#site ? this.#loss() : 0,
      delayMs: 0,
    });
    const { crowd, perSecond } = crowdOf(topology, sessions, { random, network });
    this.#crowd = crowd;
    this.#loginsPerSecond = perSecond;
  }

  async play(): Promise<EvacuationResult> {
    const begun = performance.now();
    try {
      await this.#arrive();
      const loss = await this.#worsen();
      const left = await this.#leave();
      const back = await this.#comeBack(left.users);
      const evacuated: Evacuated = {
        site: this.#site,
        loss,
        figures: this.#crowd.figures(),
        ...left,
        ...back,
        stranded: Math.max(left.stranded, back.stranded),
        seconds: secondsSince(begun),
      };
      return await checkEvacuation(evacuated, this.#topology, this.#options.cluster);
    } finally {
      this.#over.abort();
      this.#crowd.stop();
    }
  }

  async #arrive(): Promise<void> {
    await this.#control.balance("the first policy");
    const start = performance.now();
    await this.#crowd.start(this.#loginsPerSecond);
    await this.#everyone(() => true);
    const { online, bySite } = this.#crowd.figures();
    const sites = Object.entries(bySite).toSorted(([a], [b]) => (a < b ? -1 : 1));
    const where = sites.map(([site, users]) => `${groupedText(users)} at ${site}`).join(", ");
    this.#say(`${groupedText(online)} users have logged in after ${timeSince(start)}: ${where}`);
  }

  /** Until it shows in `schedule status`; returns the loss that shows. */
  async #worsen(): Promise<number> {
    this.#worseSince = performance.now();
    this.#say(`heartbeats begin to get lost on the way to ${this.#site}`);
    while (performance.now() - this.#worseSince < WITHIN_MS) {
      await this.#pause(500);
      const seen = await this.#control.status();
      const loss = seen.find(({ id }) => id === this.#site)!.loss ?? 0;
      if (loss < LOSS.noticed) continue;
      const sites = seen.map((one) => `${one.id} loses ${((one.loss ?? 0) * 100).toFixed(1)}%`);
      this.#say(`schedule status after ${timeSince(this.#worseSince)}: ${sites.join(", ")}`);
      return loss;
    }
    const message = `the loss at ${this.#site} does not show within ${durationText(WITHIN_MS)}`;
    throw new OpsError("demo-loss", EXIT.failure, message);
  }

  /** Mask, weak disable, `kill -9` half-way, strong disable. */
  async #leave() {
    const users = this.#crowd.users.filter(({ site }) => site === this.#site);
    const mask = await this.#keepAway("mask");
    await mask.apply();
    this.#say(`masked: no login is sent to ${this.#site}; ${this.#at()} users are still there`);

    const weak = await this.#keepAway("weak");
    const { perSecond, seconds, boundSeconds } = weak;
    const pace = `${Math.round(perSecond ?? 0)}/s: ${durationText(seconds * 1_000)}`;
    this.#say(
      `weak disable: ${weak.users} users are told to log in elsewhere, ${pace}, no pace takes less than ${durationText((boundSeconds ?? 0) * 1_000)}`,
    );
    const start = performance.now();
    const movesBefore = this.#crowd.figures().moves;
    const applying = weak.apply();
    await Promise.race([applying, this.#until(() => this.#at() <= users.length / 2)]);
    const there = this.#at();
    await this.#options.cluster.kill9(this.#gateway);
    this.#say(`killed ${this.#gateway} (-9): ${there} users are without a session`);
    const elsewhere = this.#everyone(({ site }) => site !== this.#site).then((how) => {
      const told = this.#crowd.figures().moves - movesBefore;
      if (how === "all")
        this.#say(`all users have a session elsewhere ${timeSince(start)} after the weak disable`);
      return { told, seconds: secondsSince(start) };
    });
    const [{ told, seconds: took }] = await Promise.all([elsewhere, this.#end(applying)]);
    const moved = users.filter(({ site }) => site !== null && site !== this.#site).length;
    return {
      users,
      moved,
      told,
      stranded: this.#without(),
      leaving: { seconds: took, boundSeconds: boundSeconds ?? 0 },
    };
  }

  /** Ends the weak disable, and closes the site. */
  async #end(applying: Promise<Applied>): Promise<void> {
    const applied = await applying;
    if (applied.how === "stopped") {
      this.#say(`run ${applied.run} stopped part-way; it is taken back: the mask stays`);
      await this.#control.rollback(applied.run);
    }
    const strong = await this.#keepAway("strong");
    await strong.apply();
    this.#say(
      `strongly disabled, with ${strong.silent.join(", ")} silent: it takes no login if it comes back`,
    );
  }

  /** The way is well again, and the gateway is back. */
  async #comeBack(users: readonly User[]) {
    this.#worseSince = null;
    await this.#options.cluster.restart(this.#gateway);
    this.#say(`${this.#gateway} is back, and so are the heartbeats`);
    const restore = await this.#control.restore(this.#site, "heartbeats come back");
    const { perSecond, boundSeconds } = restore;
    this.#say(
      `restore: logins come back step by step, then ${restore.users} users are told, ${Math.round(perSecond ?? 0)}/s`,
    );
    const start = performance.now();
    const applied = await restore.apply();
    if (applied.how === "stopped") this.#say(`run ${applied.run} stopped part-way`);
    await this.#everyone((user) => !users.includes(user) || user.site === this.#site);
    this.#say(`restored after ${timeSince(start)}: ${this.#at()} users at ${this.#site}`);
    return {
      restored: users.filter(({ site }) => site === this.#site).length,
      stranded: this.#without(),
      restoring: { seconds: secondsSince(start), boundSeconds: boundSeconds ?? 0 },
    };
  }

  #keepAway(mode: KeptAway["mode"]) {
    // Three changes of one site within a minute are what is wanted here.
    const overrides = ["anti-flap"];
    return this.#control.keepAway({ mode, site: this.#site, reason: REASON, ...ENTRY, overrides });
  }

  #at(): number {
    return this.#crowd.users.filter(({ site }) => site === this.#site).length;
  }

  #without(): number {
    return this.#crowd.users.filter(({ site }) => site === null).length;
  }

  /** Waits until all have a session, where it should be; `some` when that takes too long. */
  #everyone(where: (user: User) => boolean): Promise<"all" | "some"> {
    return this.#until(() => this.#crowd.users.every((user) => user.site !== null && where(user)));
  }

  async #until(holds: () => boolean): Promise<"all" | "some"> {
    const until = performance.now() + WITHIN_MS;
    while (performance.now() < until) {
      if (holds()) return "all";
      await this.#pause(LOOK_EVERY_MS);
    }
    return "some";
  }

  /** Ends with an error when an agent has died that nobody here killed, and when the play is over. */
  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#ended });
  }

  #loss(): number {
    if (this.#worseSince === null) return 0;
    return Math.min(LOSS.most, secondsSince(this.#worseSince) * LOSS.perSecond);
  }

  #say(line: string): void {
    this.#options.say(line);
  }
}

function secondsSince(start: number): number {
  return (performance.now() - start) / 1_000;
}

function timeSince(start: number): string {
  return durationText(performance.now() - start);
}
