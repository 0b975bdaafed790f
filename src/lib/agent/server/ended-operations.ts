import { encodeJson } from "../protocol/json.js";
import type { Operation } from "../protocol/operation.js";

/** So many of the last ones to end. In bytes too: a request may name thousands of segments. */
const KEPT = { operations: 5_000, bytes: 64 * 1024 * 1024 };

/** Which of the operations that have ended are remembered. */
export class EndedOperations {
  readonly #kept: typeof KEPT;
  /** Their bytes, by id; the first one ended first. */
  readonly #ended = new Map<string, number>();
  #bytes = 0;

  constructor(kept = KEPT) {
    this.#kept = kept;
  }

  add(operation: Operation): void {
    const bytes = encodeJson(operation).length;
    this.#ended.set(operation.id, bytes);
    this.#bytes += bytes;
  }

  delete(id: string): void {
    this.#bytes -= this.#ended.get(id) ?? 0;
    this.#ended.delete(id);
  }

  /** Takes those that ended longest ago off the list, down to what is kept; the last one to end stays. Returns their ids. */
  forget(): string[] {
    const forgotten: string[] = [];
    const { operations, bytes } = this.#kept;
    for (const id of this.#ended.keys()) {
      const { size } = this.#ended;
      if (size === 1 || (size <= operations && this.#bytes <= bytes)) break;
      this.delete(id);
      forgotten.push(id);
    }
    return forgotten;
  }
}
