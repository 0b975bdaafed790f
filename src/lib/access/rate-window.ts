const STEP_MS = 10;
const STEPS = 100;
/** The peak is that of the last `PEAKS` spans. */
const PEAK_SPAN_MS = 10_000;
const PEAKS = 60;

/** Events of the last second, a window that slides in steps of 10 ms, and the most that any such window of the last ten minutes had. */
export class RateWindow {
  readonly #steps = new Uint32Array(STEPS);
  #step = 0;
  #inWindow = 0;
  readonly #peaks = new Uint32Array(PEAKS);
  #span = 0;
  total = 0;

  constructor(now: number) {
    this.#step = Math.floor(now / STEP_MS);
    this.#span = Math.floor(now / PEAK_SPAN_MS);
  }

  add(now: number): void {
    this.#move(now);
    this.#steps[this.#step % STEPS]! += 1;
    this.#inWindow += 1;
    this.total += 1;
    const span = this.#span % PEAKS;
    this.#peaks[span] = Math.max(this.#peaks[span]!, this.#inWindow);
  }

  perSecond(now: number): number {
    this.#move(now);
    return this.#inWindow;
  }

  peak(now: number): number {
    this.#move(now);
    return Math.max(...this.#peaks);
  }

  #move(now: number): void {
    const step = Math.floor(now / STEP_MS);
    for (const last = Math.min(step, this.#step + STEPS); this.#step < last;) {
      this.#step += 1;
      this.#inWindow -= this.#steps[this.#step % STEPS]!;
      this.#steps[this.#step % STEPS] = 0;
    }
    this.#step = Math.max(this.#step, step);
    const span = Math.floor(now / PEAK_SPAN_MS);
    for (const last = Math.min(span, this.#span + PEAKS); this.#span < last;) {
      this.#span += 1;
      // A window may begin in the span before.
      this.#peaks[this.#span % PEAKS] = this.#inWindow;
    }
    this.#span = Math.max(this.#span, span);
  }
}
