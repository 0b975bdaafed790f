/** How far a stream is applied, and how fast that goes. */
export class CatchUp {
  /** Of the source's log: applied and flushed. Null while that is not known of the open stream. */
  through: bigint | null = null;
  #backlog = 0n;
  /** Records of the source's log applied per second, smoothed; 0 before any. */
  #rate = 0;

  /** What is known of a stream that ends says nothing about the next one; the rate does. */
  forget(): void {
    this.through = null;
  }

  /** Everything up to `sent` of a log that ends at `head` is applied. */
  reached(sent: bigint, head: bigint): void {
    this.through = sent;
    this.#backlog = head - sent;
  }

  applied(records: number, ms: number): void {
    const rate = records / Math.max(0.0005, ms / 1000);
    this.#rate = this.#rate === 0 ? rate : this.#rate * 0.8 + rate * 0.2;
  }

  /** How long it would take to apply what the source has and this node lacks, ms. Null while not streaming. */
  predictedMs(): number | null {
    if (this.through === null) return null;
    return this.#rate === 0 ? 0 : (Number(this.#backlog) / this.#rate) * 1000;
  }
}
