import { countText } from "../../figures.js";
import type { SimEvent } from "./drive.js";
import type { Fluid, FluidSite } from "./fluid.js";

/** Of what a site takes in a second: where fewer are refused it is chance, and they come back a second later. */
const MANY_REFUSED = 0.05;
/** Of all users. */
const MANY_WITHOUT = 1e-5;

/** Notes what happens by itself. */
export class Watcher {
  readonly events: SimEvent[] = [];
  readonly #sites: readonly FluidSite[];
  readonly #fluid: Fluid;
  readonly #many: number;
  readonly #refused: number[];
  readonly #refusing = new Set<string>();
  #levels: ReadonlyMap<string, number> = new Map();
  #hadOverdue = false;
  #hadWithout = false;

  constructor(sites: readonly FluidSite[], fluid: Fluid, users: number) {
    this.#sites = sites;
    this.#fluid = fluid;
    this.#many = users * MANY_WITHOUT;
    this.#refused = sites.map(() => 0);
  }

  look(at: number, levels: ReadonlyMap<string, number>): void {
    const tell = (what: string) => void this.events.push({ at, what });
    this.#lookAtRefusals(tell);
    this.#lookAtLevels(levels, tell);
    const { overdue, without } = this.#fluid;
    const hasOverdue = overdue >= 0.5;
    if (hasOverdue && !this.#hadOverdue)
      tell("the first of those who were told and found no room in time are closed");
    this.#hadOverdue = hasOverdue;
    const hasWithout = without >= (this.#hadWithout ? 0.5 : this.#many);
    if (hasWithout && !this.#hadWithout) tell(`${countText(without)} users are without a session`);
    if (!hasWithout && this.#hadWithout) tell("everyone has a session again");
    this.#hadWithout = hasWithout;
  }

  #lookAtRefusals(tell: (what: string) => void): void {
    for (const [i, { id, limit }] of this.#sites.entries()) {
      const refused = this.#fluid.counts[i]!.refused - this.#refused[i]!;
      this.#refused[i]! += refused;
      if (refused <= limit * MANY_REFUSED || this.#refusing.has(id)) continue;
      this.#refusing.add(id);
      tell(`${id} refuses logins: it is asked for ${countText(limit + refused)}/s`);
    }
  }

  #lookAtLevels(levels: ReadonlyMap<string, number>, tell: (what: string) => void): void {
    for (const [id, level] of this.#levels) {
      const now = levels.get(id) ?? 0;
      if (level === 1 && now < 1) tell(`entry ${id} has ended: its users may come back in steps`);
      if (level > 0 && now === 0) tell(`entry ${id} keeps nobody away any more`);
    }
    this.#levels = levels;
  }
}
