import { hashText, hashUid } from "../keyspace/hash.js";
import { pieceAt, type SegmentMap } from "../keyspace/map.js";
import { classKey } from "./check.js";
import { Classes } from "./classes.js";
import {
  type Address,
  type Entry,
  type Mode,
  type PolicyClass,
  type PolicyDocument,
  type PolicySite,
} from "./document.js";
import { level } from "./level.js";

/** Who asks. A null port is for whoever can use any. */
export interface User {
  readonly uid: bigint;
  readonly carrier: string;
  readonly province: string;
  readonly port: number | null;
}

export interface Answer {
  readonly version: number;
  /** Null where every site that the user could reach is masked. */
  readonly site: string | null;
  /** Of that site first, then of the other ones that are open to the user. */
  readonly addresses: readonly (Address & { readonly site: string })[];
}

/** The share of the users that each entry keeps away, in the order of the document. */
export type Levels = readonly number[];

interface Site extends PolicySite {
  readonly id: string;
  readonly seed: number;
  readonly urls: ReadonlySet<string>;
  readonly entries: readonly Rule[];
}

/** An entry, ready to be asked. */
interface Rule {
  readonly index: number;
  readonly entry: Entry;
  readonly levelSeed: bigint;
  readonly redirectSeed: bigint;
  readonly redirects: ReadonlyMap<string, SegmentMap<string>>;
}

interface Class extends PolicyClass {
  readonly key: string;
}

/** A user as the rules see it: a carrier and a province without a class are `other`. */
interface Asking extends User {
  readonly hash: bigint;
  /** The lower half of the hash. */
  readonly low: number;
  readonly of: Class | null;
  /** The carrier as the user has it: what it reaches does not hang on classes. */
  readonly over: string;
}

/** A hash as a share of all hashes. */
const AS_SHARE = 2 ** -64;

/** A policy document made ready for many questions. */
export class Router {
  readonly document: PolicyDocument;
  readonly #sites: ReadonlyMap<string, Site>;
  readonly #classes: Classes<Class>;
  /** Carriers that do not reach every site. */
  readonly #bound: ReadonlySet<string>;

  constructor(document: PolicyDocument) {
    this.document = document;
    const rules = document.entries.map(ruleOf);
    const sites = Object.entries(document.sites);
    this.#sites = new Map(
      sites.map(([id, site]) => {
        const entries = rules.filter(({ entry }) => entry.site === id);
        const urls = new Set(site.addresses.map(({ url }) => url));
        return [id, { ...site, id, seed: Number(hashText(id) & 0xffffffffn), urls, entries }];
      }),
    );
    this.#classes = new Classes(document.classes.map((one) => ({ ...one, key: classKey(one) })));
    this.#bound = new Set(sites.flatMap(([, { carriers }]) => carriers));
  }

  /** What the entries keep away at a time, when nothing has held their ramps. */
  levels(now: number): number[] {
    return this.document.entries.map((entry) => level(entry, now));
  }

  /**
   * The site for a user: where it belongs; and while that has no address that is open to it, where an entry that closed it sends
   * it. Every entry is followed at most once. Null when everything is masked that the user could reach.
   */
  resolve(user: User, levels: Levels): string | null {
    return this.#resolve(this.#asking(user), levels)?.id ?? null;
  }

  /** Whether clients are sent to the address of the site; of a null one, whether there is such a site. */
  offers(site: string, url: string | null): boolean {
    const known = this.#sites.get(site);
    return known !== undefined && (url === null || known.urls.has(url));
  }

  /** The site to which the user belongs, whatever is masked; null for users of whom no class is. */
  home(user: Omit<User, "port">): string | null {
    const of = this.#classes.of(user);
    return of === null ? null : this.#at(of.base, hashUid(user.uid)).id;
  }

  answer(asked: User, levels: Levels): Answer {
    const { version } = this.document;
    const user = this.#asking(asked);
    const site = this.#resolve(user, levels);
    if (site === null) return { version, site: null, addresses: [] };
    const sites = [site, ...this.#order(user).filter((other) => other !== site)];
    const addresses = sites.flatMap((one) =>
      inTurn(openAddresses(one, user, levels), rankOf(one, user)).map(({ url, port }) => ({
        site: one.id,
        url,
        port,
      })),
    );
    return { version, site: site.id, addresses };
  }

  /** Whether an entry of the mode keeps the user away from the site; of a user at a port, from that port. */
  isKeptAway(asked: User, site: string, mode: Mode, levels: Levels): boolean {
    const user = this.#asking(asked);
    const rules = this.#sites.get(site)?.entries ?? [];
    return rules.some((rule) => rule.entry.mode === mode && keepsAway(rule, user, levels));
  }

  #asking(user: User): Asking {
    const carrier = this.#classes.carrier(user.carrier);
    const province = this.#classes.province(user.province);
    const of = this.#classes.of(user);
    const hash = hashUid(user.uid);
    const low = Number(hash & 0xffffffffn);
    return { ...user, carrier, province, over: user.carrier, hash, low, of };
  }

  #resolve(user: Asking, levels: Levels): Site | null {
    const { of, hash } = user;
    if (of === null) return this.#left(user, levels);
    let site = this.#at(of.base, hash);
    const followed = new Set<Rule>();
    while (openAddresses(site, user, levels).length === 0) {
      const rule = site.entries.find((one) => !followed.has(one) && keepsAway(one, user, levels));
      const map = rule?.redirects.get(of.key);
      if (rule === undefined || map === undefined) return this.#left(user, levels);
      followed.add(rule);
      site = this.#at(map, hashUid(user.uid, rule.redirectSeed));
    }
    return site;
  }

  /** The first site in the user's order that is open to it. */
  #left(user: Asking, levels: Levels): Site | null {
    const open = this.#order(user).find((site) => openAddresses(site, user, levels).length > 0);
    return open ?? null;
  }

  /** The sites that the user's carrier reaches, in an order of its own: whatever fails, its users spread evenly. */
  #order(user: Asking): Site[] {
    const { over } = user;
    const isBound = this.#bound.has(over);
    const ranked: { site: Site; rank: number }[] = [];
    for (const site of this.#sites.values())
      if (!isBound || site.carriers.includes(over)) ranked.push({ site, rank: rankOf(site, user) });
    return ranked.sort((a, b) => a.rank - b.rank).map(({ site }) => site);
  }

  /** The maps cover every hash, and name sites that are there: see `checkPolicy`. */
  #at(map: SegmentMap<string>, hash: bigint): Site {
    return this.#sites.get(pieceAt(map, hash)!.value)!;
  }
}

function ruleOf(entry: Entry, index: number): Rule {
  return {
    index,
    entry,
    levelSeed: hashText(`level of ${entry.id}`),
    redirectSeed: hashText(`redirect of ${entry.id}`),
    redirects: new Map(entry.redirects.map((one) => [classKey(one), one.map])),
  };
}

/** The addresses of a site that the user can use and no entry keeps it away from. */
function openAddresses(site: Site, user: User, levels: Levels): readonly Address[] {
  const { port } = user;
  const usable =
    port === null ? site.addresses : site.addresses.filter((address) => address.port === port);
  const rules = site.entries.filter((rule) => keepsAway(rule, user, levels));
  if (rules.length === 0) return usable;
  return usable.filter((address) =>
    rules.every(({ entry }) => entry.port !== null && entry.port !== address.port),
  );
}

/** Clients take the first: a site's users begin with each of its addresses in equal parts. */
function inTurn(addresses: readonly Address[], rank: number): readonly Address[] {
  if (addresses.length < 2) return addresses;
  const first = rank % addresses.length;
  return [...addresses.slice(first), ...addresses.slice(0, first)];
}

/** A number of 32 bits that is another one for each site and user, the same at every dispatcher. */
function rankOf({ seed }: Site, { low }: Asking): number {
  return mixed(low ^ seed);
}

/** Whether the entry is for this user; it may be for some of the site's ports only. */
function keepsAway({ index, entry, levelSeed }: Rule, user: User, levels: Levels): boolean {
  const share = levels[index]!;
  if (share === 0) return false;
  if (entry.carrier !== null && entry.carrier !== user.carrier) return false;
  if (entry.province !== null && entry.province !== user.province) return false;
  if (entry.port !== null && user.port !== null && entry.port !== user.port) return false;
  return share === 1 || Number(hashUid(user.uid, levelSeed)) * AS_SHARE < share;
}

/** The finalizer of MurmurHash3: every bit of the number changes half of the result's bits. */
function mixed(number: number): number {
  let bits = Math.imul(number ^ (number >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}
