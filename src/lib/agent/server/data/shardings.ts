import type { Engine, Place, Txn } from "../../../engines/contract.js";
import { placeOf } from "../../../engines/place.js";
import { OpsError } from "../../../errors.js";
import { parseKey, positionOf, type Sharding } from "../../../keyspace/key.js";
import { ProblemError } from "../../protocol/problem.js";
import type { Holdings } from "../holdings.js";

const SHARDING = "sharding";

/** How the keyspaces of which the node holds something are cut, and where their keys lie. */
export class Shardings {
  readonly #engine: Engine;
  /** Until the holdings change: it is another one only after the node held nothing of the keyspace. */
  readonly #known = new Map<string, Sharding>();

  constructor({ engine, holdings }: { readonly engine: Engine; readonly holdings: Holdings }) {
    this.#engine = engine;
    holdings.onChange(() => this.#known.clear());
  }

  /** How the keyspace is cut. Stored with the first entry of it. Throws 404 `no-keyspace`. */
  of(keyspace: string): Sharding {
    const cached = this.#known.get(keyspace);
    if (cached !== undefined) return cached;
    const known = this.#engine.document<Sharding>(SHARDING, keyspace);
    if (known === null) {
      throw new ProblemError(
        404,
        "no-keyspace",
        `this node holds nothing of a keyspace ${keyspace}`,
        {
          hint: "Ask an agent for the routes: GET /v1/routes.",
        },
      );
    }
    this.#known.set(keyspace, known);
    return known;
  }

  /** Throws 400 `bad-key`, 404 `no-keyspace`. */
  locate(keyspace: string, keyText: string): { position: bigint; place: Place } {
    const sharding = this.of(keyspace);
    try {
      const key = parseKey(keyText);
      const position = positionOf(sharding, key.uid);
      return { position, place: placeOf(position, keyText) };
    } catch (error) {
      if (!(error instanceof OpsError)) throw error;
      throw new ProblemError(
        400,
        "bad-key",
        error.message,
        error.hint === undefined ? {} : { hint: error.hint },
      );
    }
  }
}

/** Throws `other-sharding` while the node holds something of the keyspace that is cut otherwise. */
export function declareSharding(txn: Txn, keyspace: string, sharding: Sharding): void {
  const known = txn.document<Sharding>(SHARDING, keyspace);
  if (known === sharding) return;
  if (known !== null && txn.entries().some((entry) => entry.keyspace === keyspace)) {
    throw new ProblemError(
      409,
      "other-sharding",
      `${keyspace} is sharded by ${known} on this node, not by ${sharding}`,
    );
  }
  txn.putDocument(SHARDING, keyspace, sharding);
}
