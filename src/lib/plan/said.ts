/** What a step does in words, and in such a form that many steps can be told in one line. */
export interface Said {
  /** In the imperative: `link profile [0, 100) on sz-1 from sh-1`. */
  readonly what: string;
  /** The same of every step of its kind that differs from it in `items` only: `link profile on sz-1 from sh-1`. */
  readonly like: string;
  /** Its segments; of a preflight check a node, of a gate a copy; empty for steps that have no such thing. */
  readonly items: readonly string[];
  readonly keyspace: string | null;
  /** Copied by it, as far as is known. */
  readonly bytes: bigint;
}
