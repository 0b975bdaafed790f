/**
 * What a step puts at risk: by scope the things of it that it touches. Scopes are regions (things: sets) and shards (things: the
 * nodes of its copies).
 */
export type Risks = ReadonlyMap<string, ReadonlySet<string>>;

export const NO_RISKS: Risks = new Map();

/** Risks of what touches these nodes for these shards (`keyspace/shard`). */
export function risksAt(
  nodes: readonly string[],
  shards: Iterable<string>,
  placeOf: (node: string) => { readonly region: string; readonly set: string } | undefined,
): Risks {
  const risks = new Map<string, Set<string>>();
  for (const node of nodes) {
    const place = placeOf(node);
    if (!place) continue;
    const scope = `region ${place.region}`;
    risks.set(scope, (risks.get(scope) ?? new Set()).add(place.set));
  }
  for (const shard of shards) risks.set(`shard ${shard}`, new Set(nodes));
  return risks;
}

/**
 * What a wave puts at risk. Of any two of its steps that touch the same scope, one touches nothing of it that the other does not:
 * so at one time a region has one set at risk, but for steps that are between two sets, and a shard one copy.
 */
export class RisksAtOnce {
  /** By scope, what its steps touch, different things only. */
  readonly #touched = new Map<string, ReadonlySet<string>[]>();

  hasRoomFor(risks: Risks): boolean {
    return this.conflicts(risks).length === 0;
  }

  /** The scopes in which the risks do not go with those there are. */
  conflicts(risks: Risks): string[] {
    return [...risks].flatMap(([scope, things]) => {
      const touched = this.#touched.get(scope) ?? [];
      return touched.every((other) => isWithin(things, other) || isWithin(other, things))
        ? []
        : [scope];
    });
  }

  add(risks: Risks): void {
    for (const [scope, things] of risks) {
      const touched = this.#touched.get(scope);
      if (!touched) this.#touched.set(scope, [things]);
      else if (!touched.some((other) => isSame(other, things))) touched.push(things);
    }
  }
}

function isSame(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return a.size === b.size && isWithin(a, b);
}

function isWithin(part: ReadonlySet<string>, whole: ReadonlySet<string>): boolean {
  return part.size <= whole.size && [...part].every((thing) => whole.has(thing));
}
