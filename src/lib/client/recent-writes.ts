const KEPT = 10_000;

/** The log positions of this client's last writes, the oldest forgotten first: what its reads must at least see. */
export class RecentWrites {
  readonly #positions = new Map<string, string>();

  note(keyspace: string, key: string, position: string): void {
    const id = `${keyspace}/${key}`;
    this.#positions.delete(id);
    this.#positions.set(id, position);
    if (this.#positions.size <= KEPT) return;
    const oldest = this.#positions.keys().next();
    if (!oldest.done) this.#positions.delete(oldest.value);
  }

  of(keyspace: string, key: string): string | undefined {
    return this.#positions.get(`${keyspace}/${key}`);
  }
}
