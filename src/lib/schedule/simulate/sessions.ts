import type { UserFilter } from "../../policy/filter.js";
import type { Kind } from "./kinds.js";

export interface FluidSite {
  readonly id: string;
  /** Logins a second that its gateways take together. */
  readonly limit: number;
}

/** What has happened at a site, counted from the start. */
export interface SiteCount {
  online: number;
  logins: number;
  refused: number;
  /** Logins in the last second. */
  perSecond: number;
}

export interface Taken {
  readonly users: number;
  /** Sessions that were meant and are still to be taken. */
  readonly left: number;
}

/**
 * Sessions that were not told to leave, by cell. Each kind has two cells: `2 k` where it belongs, and `2 k + 1` where it is sent from there.
 */
export class Sessions {
  /** Of each cell, its site; -1 for none. */
  readonly cellSites: Int32Array;
  readonly online: Float64Array;
  /** The cell at which each kind logs in now; -1 for none. */
  readonly targets: Int32Array;
  readonly #kinds: readonly Kind[];
  /** Of each site, the cells of those who do not always stay where they are. */
  readonly #mobile: readonly (readonly number[])[];
  readonly #counts: readonly SiteCount[];

  /** `counts`: of each site; who is online there is counted along. */
  constructor(kinds: readonly Kind[], sites: readonly FluidSite[], counts: readonly SiteCount[]) {
    this.#kinds = kinds;
    this.#counts = counts;
    const index = new Map(sites.map(({ id }, i) => [id, i]));
    this.cellSites = Int32Array.from(
      kinds.flatMap(({ home, away }) => [home, away?.to ?? null]),
      (id) => (id === null ? -1 : index.get(id)!),
    );
    const mobile = sites.map((): number[] => []);
    for (const [cell, site] of this.cellSites.entries())
      if (site >= 0 && kinds[cell >> 1]!.away !== null) mobile[site]!.push(cell);
    this.#mobile = mobile;
    this.online = new Float64Array(2 * kinds.length);
    this.targets = new Int32Array(kinds.length);
  }

  /** `levels`: the share of users that each entry keeps away, by its id. `version`: of the classes, by its number. */
  route(levels: ReadonlyMap<string, number>, version: number): void {
    for (const [k, { away }] of this.#kinds.entries()) {
      const isAway =
        away !== null &&
        ("entry" in away ? (levels.get(away.entry) ?? 0) > away.above : away.when[version] === "1");
      this.targets[k] = !isAway ? 2 * k : away.to === null ? -1 : 2 * k + 1;
    }
  }

  put(cell: number, users: number): void {
    this.online[cell]! += users;
    this.#counts[this.cellSites[cell]!]!.online += users;
  }

  /**
   * At most so many of a site's sessions that a filter means end, and their users come to `to`, of each kind. `leaving`: of those only whom
   * the policy leads elsewhere.
   */
  take(
    site: number,
    { carrier, province }: UserFilter,
    leaving: boolean,
    most: number,
    to: Float64Array,
  ): Taken {
    const cells = this.#mobile[site]!.filter((cell) => {
      if (this.online[cell] === 0) return false;
      const target = this.targets[cell >> 1]!;
      // Nobody is told to go where nobody knows.
      if (leaving && (target < 0 || target === cell)) return false;
      const one = this.#kinds[cell >> 1]!;
      return (
        (carrier ?? one.carrier) === one.carrier && (province ?? one.province) === one.province
      );
    });
    const there = cells.reduce((sum, cell) => sum + this.online[cell]!, 0);
    if (there <= 0) return { users: 0, left: 0 };
    const share = Math.min(1, most / there);
    for (const cell of cells) {
      const users = this.online[cell]! * share;
      this.put(cell, -users);
      to[cell >> 1]! += users;
    }
    return { users: there * share, left: there * (1 - share) };
  }
}
