import { RisksAtOnce } from "./risks.js";
import { secondsAtOnce, type Limits, type Work } from "./work.js";

/**
 * Waves, one after the other, of works that are done at once, within the limits: short in all, every work in exactly one of them.
 * Two orders are tried, the longest first and those of the busiest nodes first, and the shorter waves are taken. Equal works keep
 * their order.
 */
export function schedule<W extends Work>(works: readonly W[], limits: Limits): W[][] {
  const busy = new Map<string, number>();
  for (const { ends, seconds } of works)
    for (const end of ends) busy.set(end, (busy.get(end) ?? 0) + seconds);
  const busiest = (work: W) => Math.max(0, ...work.ends.map((end) => busy.get(end)!));
  const longestFirst = works.toSorted((a, b) => b.seconds - a.seconds);
  const busiestFirst = longestFirst.toSorted((a, b) => busiest(b) - busiest(a));
  const [one, other] = [inOrder(longestFirst, limits), inOrder(busiestFirst, limits)];
  return isShorter(other, one) ? other : one;
}

/** How long waves take one after the other. */
export function secondsInTurn(waves: readonly (readonly Work[])[]): number {
  return waves.reduce((sum, wave) => sum + secondsAtOnce(wave), 0);
}

function isShorter<W extends Work>(a: readonly W[][], b: readonly W[][]): boolean {
  const difference = secondsInTurn(a) - secondsInTurn(b);
  return difference < 0 || (difference === 0 && a.length < b.length);
}

/** Waves with room that are looked at for each work: under a blast radius few ever fill, and ten thousands may be open. */
const MOST_OPEN = 64;

/** The same in the given order: each work goes into the first of the waves that it makes longer by the least. */
export function inOrder<W extends Work>(works: readonly W[], limits: Limits): W[][] {
  const all: Wave<W>[] = [];
  let open: Wave<W>[] = [];
  for (const work of works) {
    let best: Wave<W> | null = null;
    let least = work.seconds;
    for (const wave of open) {
      if (!wave.hasRoomFor(work)) continue;
      const more = wave.secondsMore(work);
      if (more < least || (best === null && more === least)) [best, least] = [wave, more];
      if (least === 0) break;
    }
    if (best === null) {
      best = new Wave(limits);
      all.push(best);
      open.push(best);
      if (open.length > MOST_OPEN) open.shift();
    }
    best.add(work);
    if (best.isFull) open = open.filter((wave) => wave !== best);
  }
  return all.map(({ works: of }) => of);
}

class Wave<W extends Work> {
  readonly works: W[] = [];
  readonly #limits: Limits;
  readonly #touched = new Map<string, number>();
  readonly #shared = new Map<string, number>();
  readonly #risks = new RisksAtOnce();
  #seconds = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  get isFull(): boolean {
    return this.works.length >= this.#limits.total;
  }

  hasRoomFor({ ends, risks }: W): boolean {
    return (
      ends.every((end) => (this.#touched.get(end) ?? 0) < this.#limits.perNode) &&
      this.#risks.hasRoomFor(risks)
    );
  }

  secondsMore({ seconds, shares }: W): number {
    const shared = shares.map((share) => (this.#shared.get(share.of) ?? 0) + share.seconds);
    return Math.max(this.#seconds, seconds, ...shared) - this.#seconds;
  }

  add(work: W): void {
    this.#seconds += this.secondsMore(work);
    this.works.push(work);
    for (const end of work.ends) this.#touched.set(end, (this.#touched.get(end) ?? 0) + 1);
    for (const { of, seconds } of work.shares)
      this.#shared.set(of, (this.#shared.get(of) ?? 0) + seconds);
    this.#risks.add(work.risks);
  }
}
