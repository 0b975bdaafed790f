import type { Group, Session } from "./session.js";

/** Clients say what they are: beyond so many kinds at a time, further ones are counted as `other`. */
const GROUPS_MAX = 4_096;
const OTHER = "other";

/** The users who are logged in, by kind. */
export class Registry {
  readonly #sessions = new Set<Session>();
  readonly #groups = new Map<string, Group>();

  get size(): number {
    return this.#sessions.size;
  }

  get groups(): readonly Group[] {
    return [...this.#groups.values()];
  }

  has(session: Session): boolean {
    return this.#sessions.has(session);
  }

  all(): IterableIterator<Session> {
    return this.#sessions.values();
  }

  /** Kept while it has sessions: who is refused leaves nothing behind. */
  group(carrier: string, province: string, port: number): Group {
    const group = { carrier, province, port, sessions: 0 };
    const known = this.#groups.get(keyOf(group));
    if (known !== undefined) return known;
    const isOther = carrier === OTHER && province === OTHER;
    if (this.#groups.size < GROUPS_MAX || isOther) return group;
    return this.group(OTHER, OTHER, port);
  }

  add(session: Session): void {
    const { group } = session;
    this.#sessions.add(session);
    group.sessions += 1;
    if (group.sessions === 1) this.#groups.set(keyOf(group), group);
  }

  /** Whether it was there. */
  remove(session: Session): boolean {
    if (!this.#sessions.delete(session)) return false;
    const { group } = session;
    group.sessions -= 1;
    if (group.sessions === 0) this.#groups.delete(keyOf(group));
    return true;
  }
}

function keyOf({ carrier, province, port }: Group): string {
  return `${carrier}\n${province}\n${port}`;
}
