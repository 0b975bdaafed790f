/** Where a value lies in the YAML: the keys and indexes from the root to it. */
export type Path = readonly (string | number)[];

export type Severity = "error" | "warning";

/** What `policy.rules` can make of a rule. */
export const ADJUSTED = ["error", "warning", "off"] as const;
export type Adjusted = (typeof ADJUSTED)[number];

/** Something a rule found, not yet placed in a file. */
export interface Finding {
  readonly path: Path;
  /** Which end of the path to point at: its last key, or the value behind it. */
  readonly at: "key" | "value";
  readonly message: string;
  /** What to do about it. */
  readonly hint: string;
}

/** Something wrong with a file, as a person and a program see it. JSON as it is. */
export interface Problem {
  /** Stable kebab-case name of the rule. */
  readonly rule: string;
  readonly severity: Severity;
  readonly file: string;
  /** Counted from 1; columns in UTF-16 units, as editors count. */
  readonly line: number;
  readonly column: number;
  /** One past the last marked column of the line. */
  readonly endColumn: number;
  /** `keyspaces.profile.shards.p0`, empty for the file as a whole. */
  readonly path: string;
  readonly message: string;
  readonly hint: string;
  /** The line of the file, cut at 400 characters around the column; see `sourceFrom`. Empty if there is none. */
  readonly source: string;
  /** The column of the line at which `source` begins, from 1. */
  readonly sourceFrom: number;
}

/** No more problems of one rule than this are kept: a list that nobody reads to its end costs time and memory. */
export const MAX_PER_RULE = 1000;
