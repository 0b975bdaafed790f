import type { Engine, Txn } from "../../engines/contract.js";
import type { Authority } from "../protocol/headers.js";
import type { LineageRequest } from "../protocol/node.js";
import { ProblemError } from "../protocol/problem.js";

const TABLE = "authority";
const LINEAGE = "lineage";
/** Epochs of lineages that this node has left, by lineage. */
const LEFT = "authority-left";
/** How often this node has left a lineage. */
const CHANGES = "lineage-changes";

/** Who may change this node: one lineage, and in each scope the highest epoch that was ever seen. Stored before it is acted on. */
export class AuthorityGate {
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  lineage(): string | null {
    return this.#engine.document<string>(TABLE, LINEAGE);
  }

  /** Rises whenever the node leaves a lineage: the same one as before may have been left and come back to in between. */
  lineageChanges(): number {
    return this.#engine.document<number>(CHANGES, LINEAGE) ?? 0;
  }

  epochs(): Record<string, bigint> {
    return Object.fromEntries(
      this.#engine
        .documents<bigint>(TABLE)
        .filter(({ id }) => id !== LINEAGE)
        .map(({ id, value }) => [id, value]),
    );
  }

  /** Resolves once the epoch is flushed. Throws `stale-epoch` or `unknown-lineage`. A node without a lineage takes the first. */
  async admit({ scope, epoch, lineage }: Authority): Promise<void> {
    if (this.lineage() === lineage && this.#engine.document<bigint>(TABLE, scope) === epoch) return;
    await this.#engine.write((txn) => this.check(txn, { scope, epoch, lineage }));
  }

  /**
   * Leaves the lineage `from`, which it has had since its change `changes`, for that of `by`. Epochs count in their lineage: those of
   * the one that is left are kept for its return. `admit` throws, in the same transaction, when that may not be now. Throws as
   * `admit` does, also for another `from`, and `lineage-changed`.
   */
  async adopt(by: Authority, { from, changes }: LineageRequest, admit: () => void): Promise<void> {
    await this.#engine.write((txn) => {
      if (txn.document<string>(TABLE, LINEAGE) === from && from !== by.lineage) {
        const known = txn.document<number>(CHANGES, LINEAGE) ?? 0;
        if (known !== changes) throw lineageChanged(from);
        admit();
        txn.putDocument(CHANGES, LINEAGE, known + 1);
        const epochs = txn.documents<bigint>(TABLE).filter(({ id }) => id !== LINEAGE);
        txn.putDocument(LEFT, from, epochs);
        for (const { id } of epochs) txn.deleteDocument(TABLE, id);
        for (const { id, value } of txn.document<typeof epochs>(LEFT, by.lineage) ?? [])
          txn.putDocument(TABLE, id, value);
        txn.putDocument(TABLE, LINEAGE, by.lineage);
      }
      this.check(txn, by);
    });
  }

  /** `admit` as a part of a transaction that acts on it. */
  check(txn: Txn, { scope, epoch, lineage }: Authority): void {
    const known = txn.document<string>(TABLE, LINEAGE);
    if (known !== null && known !== lineage) {
      throw new ProblemError(
        409,
        "unknown-lineage",
        `this node belongs to the control plane ${known}, not ${lineage}`,
        {
          hint: "Use the state directory (--state) of that control plane; if it is lost: ops agent adopt.",
        },
      );
    }
    const highest = txn.document<bigint>(TABLE, scope);
    if (highest !== null && epoch < highest) {
      throw new ProblemError(
        409,
        "stale-epoch",
        `epoch ${epoch} of ${scope} is over: the node has seen ${highest}`,
        {
          hint: "Another run has taken the lock since. See `ops run list`.",
        },
      );
    }
    if (known === null) txn.putDocument(TABLE, LINEAGE, lineage);
    if (highest !== epoch) txn.putDocument(TABLE, scope, epoch);
  }
}

function lineageChanged(from: string): ProblemError {
  const hint = "What it holds may be other than was planned for: look again, with ops agent adopt.";
  return new ProblemError(
    409,
    "lineage-changed",
    `this node has left the control plane ${from} and come back to it since it was looked at`,
    { hint },
  );
}
