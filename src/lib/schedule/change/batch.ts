import type {
  PolicyPart,
  ReceiverView,
  UserStageKind,
  UserStepDraft,
} from "../../plan/users/types.js";
import type { StageDraft } from "./assemble.js";
import type { Situation } from "./situation.js";
import { type Account, recallSteps } from "./stages.js";

/** Users who belong elsewhere from now on. */
export interface Batch {
  readonly kind: UserStageKind;
  readonly title: string;
  /** On whose account they are told. */
  readonly accounts: readonly Pick<Account, "id" | "carrier" | "province">[];
  /** The sites that they leave. */
  readonly from: readonly string[];
  readonly before: PolicyPart;
  readonly after: PolicyPart;
  readonly receivers: readonly ReceiverView[];
  /** They are told, and the receivers watched. */
  readonly told: readonly (readonly UserStepDraft[])[];
  readonly seconds: number;
}

/** A stage: other fractions, then those whom they move are told. Taken back, the fractions come first, and the recall last. */
export function batchStage(
  { kind, title, accounts, from, before, after, receivers, told, seconds }: Batch,
  situation: Situation,
): StageDraft {
  // Those who come back are logins at the sites that were left.
  const limit = situation.gateways
    .filter(({ site }) => from.includes(site))
    .reduce((sum, { logins }) => sum + logins.limit, 0);
  return {
    kind,
    title,
    waves: [
      told.length === 0 ? [] : recallSteps(accounts, receivers, situation, limit),
      [{ kind: "policy", before, after }],
      ...told,
    ],
    how: "publish the fractions before, then tell those who were moved to come back",
    seconds,
  };
}
