import type { Engine, Txn } from "../../engines/contract.js";
import type { PolicyDocument } from "../../policy/document.js";
import { Router } from "../../policy/router.js";
import { decodePolicy, encodePolicy, type PolicyWire } from "../../policy/wire.js";
import type { Authority } from "../protocol/headers.js";
import { ProblemError } from "../protocol/problem.js";

const TABLE = "policy";
const ID = "current";
/** By which right the current one was stored. */
const BY = "by";

/** The epoch and the lineage of who stored the document. */
export type StoredBy = Pick<Authority, "epoch" | "lineage">;

/** The policy document of the control plane, as this node has stored it. */
export class Policy {
  readonly #engine: Engine;
  readonly #listeners: (() => void)[] = [];
  #router: Router | null;
  /** Together with the router: by what right another document was stored would say nothing of this one. */
  #by: StoredBy | null;

  constructor(engine: Engine) {
    this.#engine = engine;
    const stored = engine.document<PolicyWire>(TABLE, ID);
    this.#router = stored === null ? null : new Router(decodePolicy(stored));
    this.#by = engine.document<StoredBy>(TABLE, BY);
  }

  /** Null while no document was ever stored. */
  get router(): Router | null {
    return this.#router;
  }

  get document(): PolicyDocument | null {
    return this.#router?.document ?? null;
  }

  /** Null while there is no document, or a process of an earlier version has stored it. */
  get by(): StoredBy | null {
    return this.#by;
  }

  /** Calls back after every document that is stored. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /**
   * Stores a newer document, flushed, before anybody is answered by it. The stored one again is fine; an older one, or another of
   * the same version, is `stale-policy`. `admit` throws, in the transaction that stores it, when its sender may not.
   */
  async put(
    document: PolicyDocument,
    { epoch, lineage }: StoredBy,
    admit: (txn: Txn) => void,
  ): Promise<void> {
    const { version } = document;
    const encoded = encodePolicy(document);
    await this.#engine.write((txn) => {
      admit(txn);
      const known = txn.document<PolicyWire>(TABLE, ID);
      if (known !== null && known.version >= version) {
        if (JSON.stringify(known) === JSON.stringify(encoded)) {
          txn.putDocument(TABLE, BY, { epoch, lineage });
          return;
        }
        throw new ProblemError(
          409,
          "stale-policy",
          `version ${version} of the policy is not newer than ${known.version}, which is stored here`,
        );
      }
      txn.putDocument(TABLE, ID, encoded);
      txn.putDocument(TABLE, BY, { epoch, lineage });
    });
    const current = this.document?.version ?? 0;
    if (current > version) return;
    this.#by = { epoch, lineage };
    if (current === version) return;
    this.#router = new Router(document);
    for (const listener of this.#listeners) listener();
  }
}
