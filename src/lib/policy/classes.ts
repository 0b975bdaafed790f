import { classKey, type OfClass } from "./check.js";
import { OTHER } from "./document.js";

/** Finds the class by whose fractions users go: carriers and provinces without one are `other`. */
export class Classes<C extends OfClass> {
  readonly #byKey: ReadonlyMap<string, C>;
  readonly #carriers: ReadonlySet<string>;
  readonly #provinces: ReadonlySet<string>;

  constructor(classes: readonly C[]) {
    this.#byKey = new Map(classes.map((one) => [classKey(one), one]));
    this.#carriers = new Set(classes.map(({ carrier }) => carrier));
    this.#provinces = new Set(classes.map(({ province }) => province));
  }

  carrier(name: string): string {
    return this.#carriers.has(name) ? name : OTHER;
  }

  province(name: string): string {
    return this.#provinces.has(name) ? name : OTHER;
  }

  /** Null for users of whom no class is. */
  of(user: OfClass): C | null {
    const [carrier, province] = [this.carrier(user.carrier), this.province(user.province)];
    const at = (c: string, p: string) => this.#byKey.get(classKey({ carrier: c, province: p }));
    return (
      at(carrier, province) ?? at(carrier, OTHER) ?? at(OTHER, province) ?? at(OTHER, OTHER) ?? null
    );
  }
}
