import { countText } from "../../figures.js";
import { CHANCE } from "../change/gates.js";
import type { SimEvent } from "./drive.js";
import type { Fluid } from "./fluid.js";
import type { FluidSite } from "./sessions.js";

/** Of all users; and half a user, for fewer are nobody. */
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
    this.#many = Math.max(0.5, users * MANY_WITHOUT);
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
    const asked: string[] = [];
    for (const [i, { id, limit }] of this.#sites.entries()) {
      const refused = this.#fluid.counts[i]!.refused - this.#refused[i]!;
      this.#refused[i]! += refused;
      if (refused <= limit * CHANCE || this.#refusing.has(id)) continue;
      this.#refusing.add(id);
      asked.push(`${id} is asked for ${countText(limit + refused)}/s`);
    }
    if (asked.length > 0) tell(`logins are refused: ${asked.join(", ")}`);
  }

  #lookAtLevels(levels: ReadonlyMap<string, number>, tell: (what: string) => void): void {
    const now = (id: string) => levels.get(id) ?? 0;
    const before = [...this.#levels];
    const ending = before.filter(([id, level]) => level === 1 && now(id) < 1);
    const gone = before.filter(([id, level]) => level > 0 && now(id) === 0);
    if (ending.length > 0) tell(`no more in force, users may come back in steps: ${ids(ending)}`);
    if (gone.length > 0) tell(`nobody is kept away any more by: ${ids(gone)}`);
    this.#levels = levels;
  }
}

function ids(entries: readonly (readonly [id: string, level: number])[]): string {
  return entries.map(([id]) => id).join(", ");
}
