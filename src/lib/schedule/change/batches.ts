import { EXIT, OpsError } from "../../errors.js";
import type { PolicyPart, UserStageKind, UserStepDraft } from "../../plan/users/types.js";
import type { PolicyClass } from "../../policy/document.js";
import type { StageDraft } from "./assemble.js";

/** Batches when nobody says how many. */
const BATCHES = 10;
/** Each is a stage of the plan, and two windows of watching. */
const MOST_BATCHES = 1_000;

/** Users moved by other fractions, a part of them at a time. */
export interface Batches {
  readonly kind: Extract<UserStageKind, "shift" | "drill">;
  /** Of the account on which the users of a batch are told: its number comes behind. */
  readonly id: string;
  /** Before the first batch, and after each. */
  readonly classes: readonly (readonly PolicyClass[])[];
  /** `Batch 2 of 10: ` and this. */
  readonly title: string;
  readonly relogin: (account: string) => UserStepDraft[];
  readonly recall: (account: string) => UserStepDraft[];
  readonly watch: UserStepDraft;
  readonly seconds: number;
}

/**
 * In how many batches so many users are moved; `each`: so many at a time, null for a tenth.
 * @throws OpsError (exit 64) `bad-flag`
 */
export function batchesOf(users: number, each: number | null): number {
  if (users === 0) return 1;
  const batches = Math.max(1, Math.ceil(users / (each ?? users / BATCHES) - 1e-9));
  if (batches <= MOST_BATCHES) return batches;
  throw new OpsError("bad-flag", EXIT.usage, `--batch makes ${batches} batches`, {
    hint: `at most ${MOST_BATCHES} are planned: give --batch ${Math.ceil(users / MOST_BATCHES)} or more`,
  });
}

/** Users who belong elsewhere from now on. */
export interface Batch {
  readonly kind: UserStageKind;
  readonly title: string;
  readonly recall: readonly UserStepDraft[];
  readonly before: PolicyPart;
  readonly after: PolicyPart;
  /** They are told, and the receivers watched. */
  readonly told: readonly (readonly UserStepDraft[])[];
  readonly seconds: number;
}

/** A stage: other fractions, then those whom they move are told. Taken back, the fractions come first, and the recall last. */
export function batchStage({
  kind,
  title,
  recall,
  before,
  after,
  told,
  seconds,
}: Batch): StageDraft {
  return {
    kind,
    title,
    waves: [recall, [{ kind: "policy", before, after }], ...told],
    how: "publish the fractions before, then tell those who were moved to come back",
    seconds,
  };
}

/** A stage for each batch, with the receivers watched before, and with it. */
export function batchStages(all: Batches): StageDraft[] {
  const { kind, id, classes, title, relogin, recall, watch, seconds } = all;
  return classes.slice(1).map((after, i) =>
    batchStage({
      kind,
      title: `Batch ${i + 1} of ${classes.length - 1}: ${title}`,
      recall: recall(`${id}-${i + 1}`),
      before: classesOnly(classes[i]!),
      after: classesOnly(after),
      told: [[watch], [watch, ...relogin(`${id}-${i + 1}`)]],
      seconds,
    }),
  );
}

export function classesOnly(classes: readonly PolicyClass[]): PolicyPart {
  return { entries: [], classes, sites: null };
}
