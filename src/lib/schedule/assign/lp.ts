/** rowLower <= A x <= rowUpper, lower <= x <= upper; A by columns. */
export interface Lp {
  readonly cols: number;
  readonly rows: number;
  /** Of each column, where its entries begin; one more at the end. */
  readonly starts: Int32Array;
  readonly indices: Int32Array;
  readonly values: Float64Array;
  readonly lower: Float64Array;
  readonly upper: Float64Array;
  readonly rowLower: Float64Array;
  readonly rowUpper: Float64Array;
  /** What no column can be above in any solution, finite also where `upper` is not. */
  readonly most: Float64Array;
}

/** Adds up an LP column by column. */
export class LpBuilder {
  readonly #starts: number[] = [0];
  readonly #indices: number[] = [];
  readonly #values: number[] = [];
  readonly #lower: number[] = [];
  readonly #upper: number[] = [];
  readonly #most: number[] = [];
  readonly #rowLower: number[] = [];
  readonly #rowUpper: number[] = [];

  row(lower: number, upper: number): number {
    this.#rowUpper.push(upper);
    return this.#rowLower.push(lower) - 1;
  }

  /** What is put before the next `column` is in it; rows rise. */
  put(row: number, value: number): void {
    this.#indices.push(row);
    this.#values.push(value);
  }

  column(lower: number, upper: number, most: number): number {
    this.#starts.push(this.#indices.length);
    this.#upper.push(upper);
    this.#most.push(most);
    return this.#lower.push(lower) - 1;
  }

  build(): Lp {
    return {
      cols: this.#lower.length,
      rows: this.#rowLower.length,
      starts: Int32Array.from(this.#starts),
      indices: Int32Array.from(this.#indices),
      values: Float64Array.from(this.#values),
      lower: Float64Array.from(this.#lower),
      upper: Float64Array.from(this.#upper),
      rowLower: Float64Array.from(this.#rowLower),
      rowUpper: Float64Array.from(this.#rowUpper),
      most: Float64Array.from(this.#most),
    };
  }
}
