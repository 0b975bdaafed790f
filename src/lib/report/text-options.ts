export interface TextOptions {
  /** Characters a line; names longer than that are not cut. */
  readonly width: number;
  /** Every step, segment and copy in a line of its own; otherwise those that say the same are told in one. */
  readonly verbose: boolean;
}
