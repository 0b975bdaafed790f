import type { Topology } from "../types.js";
import { exceeds, lackText } from "./amounts.js";
import type { Dimension } from "./dimensions.js";
import { type Carrier, EVERYONE, type Group, groupsOf, type Mask } from "./groups.js";
import { listed } from "./listed.js";
import type { Loss } from "./losses.js";
import { supplier } from "./supply.js";

/** What users lack when something is lost. */
export interface Shortage {
  /** Null for nothing: they lack it always. */
  readonly loss: Loss | null;
  readonly group: Group;
  readonly lacks: readonly Lack[];
}

interface Lack {
  readonly dimension: Dimension;
  readonly needed: number;
  readonly there: number;
}

/**
 * What is short now, and for each loss what is short then and not already now: for everyone together, and for every group of
 * `carriers`. Users of a group can be served only in idcs that one of its carriers reaches, and by Hall's theorem all users can be
 * served exactly if no group needs more than those idcs have. Told are the smallest groups, and a group of several carriers only
 * where it lacks more than everyone does. Not told is a group that has no idc left: that is more than a lack of capacity.
 *
 * Takes 2^carriers steps for each idc and dimension.
 */
export function* shortages(
  topology: Topology,
  dimensions: readonly Dimension[],
  losses: readonly Loss[],
  carriers: readonly Carrier[] = [],
): Generator<Shortage> {
  const supplyOf = supplier(topology, carriers);
  const sites = supplyOf(
    topology.idcs.map(() => 1),
    null,
  );
  const supplies = dimensions.map((dimension) => ({
    dimension,
    supply: supplyOf(dimension.have, dimension.perUser),
  }));
  const groups = groupsOf(carriers);
  const short = new Map<Group, Set<Dimension>>(groups.map((group) => [group, new Set()]));

  const scenarios: readonly (Loss | null)[] = [null, ...losses];
  for (const loss of scenarios) {
    const left = loss ? sites.without(loss) : sites.now;
    const lacks = new Map<Group, Lack[]>(groups.map((group) => [group, []]));
    for (const { dimension, supply } of supplies) {
      const there = loss ? supply.without(loss) : supply.now;
      for (const group of lacking(dimension.needed, there, groups, left)) {
        if (short.get(group)!.has(dimension)) continue;
        if (loss === null) short.get(group)!.add(dimension);
        const needed = dimension.needed * group.share;
        lacks.get(group)!.push({ dimension, needed, there: there[group.mask]! });
      }
    }
    for (const [group, lack] of lacks) if (lack.length > 0) yield { loss, group, lacks: lack };
  }
}

function* lacking(
  needed: number,
  there: Float64Array,
  groups: readonly Group[],
  left: Float64Array,
): Generator<Group> {
  const told: Mask[] = [];
  const missing = Math.max(0, needed - there[EVERYONE]!);
  for (const group of groups) {
    const { mask } = group;
    const lack = needed * group.share - there[mask]!;
    if (!exceeds(needed * group.share, there[mask]!)) continue;
    if (mask !== EVERYONE) {
      if (left[mask] === 0 || told.some((smaller) => (smaller & mask) === smaller)) continue;
      if (group.carriers.length > 1 && lack <= missing) continue;
      told.push(mask);
    }
    yield group;
  }
}

/** What is lacking is listed up to here. */
const MAX_LISTED = 3;

/** `without region shanghai, users of telecom: 90M users online needed, 80M there, 10M missing` */
export function shortageText({ loss, group, lacks }: Shortage): string {
  const when = loss ? `without ${loss.what}` : "with nothing lost";
  const whose = group.mask === EVERYONE ? "" : `, users of ${listed(group.carriers)}`;
  const texts = lacks.map(({ dimension, needed, there }) => lackText(dimension, needed, there));
  const more = texts.length > MAX_LISTED ? [`${texts.length - MAX_LISTED} more`] : [];
  return `${when}${whose}: ${[...texts.slice(0, MAX_LISTED), ...more].join("; ")}`;
}
