/**
 * One question that many ask. An answer is only given to those who asked before its request began: who comes while one is under
 * way waits for the next, together with all others who do.
 */
export class Shared<T> {
  readonly #ask: () => Promise<T>;
  #running: Promise<unknown> | null = null;
  #next: Promise<T> | null = null;

  constructor(ask: () => Promise<T>) {
    this.#ask = ask;
  }

  get(): Promise<T> {
    if (this.#running === null) return this.#start();
    this.#next ??= this.#running.then(() => {
      this.#next = null;
      return this.#start();
    });
    return this.#next;
  }

  #start(): Promise<T> {
    const answer = this.#ask();
    const running = answer
      .catch(() => undefined)
      .then(() => {
        if (this.#running === running) this.#running = null;
      });
    this.#running = running;
    return answer;
  }
}
