import type { Group, Session } from "./session.js";

/** Clients say what they are: further kinds are counted as `other`. */
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
    return [...this.#groups.values()].filter(({ sessions }) => sessions > 0);
  }

  has(session: Session): boolean {
    return this.#sessions.has(session);
  }

  all(): IterableIterator<Session> {
    return this.#sessions.values();
  }

  group(carrier: string, province: string, port: number): Group {
    const key = `${carrier}\n${province}\n${port}`;
    const known = this.#groups.get(key);
    if (known !== undefined) return known;
    if (this.#groups.size >= GROUPS_MAX && carrier !== OTHER) return this.group(OTHER, OTHER, port);
    const group = { carrier, province, port, sessions: 0 };
    this.#groups.set(key, group);
    return group;
  }

  add(session: Session): void {
    this.#sessions.add(session);
    session.group.sessions += 1;
  }

  /** Whether it was there. */
  remove(session: Session): boolean {
    if (!this.#sessions.delete(session)) return false;
    session.group.sessions -= 1;
    return true;
  }
}
