import type { UserFilter } from "../../policy/filter.js";
import type { Mode, Ramp } from "../../policy/document.js";

/** What a person wants: users kept away from some sites. */
export interface Intent {
  readonly mode: Mode;
  /** Sets. */
  readonly sites: readonly string[];
  readonly filter: UserFilter;
  readonly reason: string;
  readonly actor: string;
  readonly ttlMs: number;
  readonly ramp: Ramp;
  readonly pace: Pace;
  /** A drain: it ends once no user who is meant is left at the sites. Else once all have been told. */
  readonly empties: boolean;
  /** Rules that the person overrides. */
  readonly overrides: readonly string[];
}

/** As people call it. */
export function nameOf({ mode, empties }: Pick<Intent, "mode" | "empties">): string {
  return empties ? "drain" : mode;
}

/** How fast users are moved: as fast as the receivers take them, at so many a second, or all at once. */
export type Pace =
  | { readonly kind: "auto" }
  | { readonly kind: "rate"; readonly perSecond: number }
  | { readonly kind: "unpaced" };
