/** Users who want to log in and wait for their turn. */
export interface Party {
  /** The site at which they still have a session since they were told; null for none. */
  readonly from: number | null;
  /** When that is closed, seconds. */
  readonly deadline: number;
  /** The number of those who were told together; `NO_TASK` for who was not told. */
  readonly task: number;
  /** Of each kind. */
  readonly users: Float64Array;
}

export const NO_TASK = -1;

/** Those who wait, by the second at which they come. */
export class Waiting {
  readonly #kinds: number;
  readonly #due = new Map<number, Map<string, Party>>();

  constructor(kinds: number) {
    this.#kinds = kinds;
  }

  /** A party without anybody in it, which does not wait yet. */
  nobody(from: number | null, deadline: number, task: number): Party {
    return { from, deadline, task, users: new Float64Array(this.#kinds) };
  }

  /** Those who come at a second and are in the same state are one. */
  at(due: number, from: number | null, deadline: number, task: number): Party {
    const parties = this.#due.get(due) ?? new Map<string, Party>();
    const key = `${from ?? "nowhere"}/${deadline}/${task}`;
    const party = parties.get(key) ?? this.nobody(from, deadline, task);
    this.#due.set(due, parties.set(key, party));
    return party;
  }

  /** Those who come at this second. They do not wait any more. */
  take(due: number): Party[] {
    const parties = this.#due.get(due);
    this.#due.delete(due);
    return [...(parties?.values() ?? [])];
  }

  /** Those whose session is closed by now, with the second at which they were to come. They do not wait any more. */
  *takeOverdue(now: number): Iterable<{ readonly due: number; readonly party: Party }> {
    for (const [due, parties] of this.#due) {
      for (const [key, party] of parties) {
        if (party.from === null || party.deadline > now) continue;
        parties.delete(key);
        yield { due, party };
      }
    }
  }

  all(): Party[] {
    return [...this.#due.values()].flatMap((parties) => [...parties.values()]);
  }
}
