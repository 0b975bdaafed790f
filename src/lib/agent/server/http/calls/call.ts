/** A request of the API, as its document tells it. */
export interface Call {
  readonly summary: string;
  /** Of the body; a name in `SHAPES`, or a media type. */
  readonly takes?: string;
  readonly query?: readonly string[];
  readonly headers?: readonly string[];
  readonly status: number;
  readonly gives?: string;
  /** Headers of the answer; not every one of them on every answer. */
  readonly tells?: readonly string[];
}

export type Calls = Readonly<Record<string, Call>>;

export const BYTES = "application/octet-stream";
export const AUTHORITY = ["Ops-Scope", "Ops-Epoch", "Ops-Lineage"];
