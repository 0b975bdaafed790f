import type { UserPlan } from "../../plan/users/types.js";
import type { PolicyClass, PolicyDocument } from "../../policy/document.js";

/** The classes of the policy at the beginning, and after each step of the plan that changes them; the same ones once. */
export function versionsOf(
  { classes }: PolicyDocument,
  { stages }: UserPlan,
): (readonly PolicyClass[])[] {
  const steps = stages.flatMap(({ waves }) => waves.flat());
  const made = steps.flatMap((step) =>
    step.kind === "policy" && step.after.classes !== null ? [step.after.classes] : [],
  );
  return [...new Set([classes, ...made])];
}

/** Users of a class whom every version leads alike: to their home, or elsewhere. */
export interface Recut {
  readonly home: string;
  /** Null for those who stay. */
  readonly to: string | null;
  /** Of each version a digit: `0` at home, `1` elsewhere. */
  readonly when: string;
  /** Of the class, 0..1. */
  readonly share: number;
}

/**
 * How the versions cut a class, taken together. Rounding may lead a hash to a third place for a while: it counts as one that is
 * elsewhere.
 */
export function recutsOf(
  versions: readonly (readonly PolicyClass[])[],
  { carrier, province }: Pick<PolicyClass, "carrier" | "province">,
): Recut[] {
  const maps = versions.map(
    (classes) =>
      classes.find((one) => one.carrier === carrier && one.province === province)?.base ?? [],
  );
  const starts = [...new Set(maps.flatMap((map) => map.map(({ lo }) => lo)))];
  const at = maps.map(() => 0);
  const found = new Map<string, Recut>();
  for (const lo of starts.toSorted((a, b) => (a < b ? -1 : 1))) {
    const pieces = maps.map((map, i) => {
      while (map[at[i]!]!.hi <= lo) at[i]! += 1;
      return map[at[i]!]!;
    });
    const hi = pieces.reduce(
      (least, piece) => (piece.hi < least ? piece.hi : least),
      pieces[0]!.hi,
    );
    const home = pieces[0]!.value;
    const to = pieces.find(({ value }) => value !== home)?.value ?? null;
    const when = pieces.map(({ value }) => (value === home ? "0" : "1")).join("");
    const key = JSON.stringify([home, to, when]);
    const share = (found.get(key)?.share ?? 0) + Number(hi - lo) / 2 ** 64;
    found.set(key, { home, to, when, share });
  }
  return [...found.values()];
}
