import type { Command, Interfaces } from "@oclif/core";
import * as Args from "@oclif/core/args";
import * as Oclif from "@oclif/core/flags";
import type { Mode } from "../policy/document.js";
import type { ChangeRequest } from "../run/change-users.js";
import type { Intent } from "../schedule/change/intent.js";
import { milliseconds, paceNamed, sitesNamed } from "./flag-values.js";
import {
  ScheduleCommand,
  changeFlags,
  filterFlags,
  overrideFlag,
  simulateFlags,
} from "./schedule-command.js";

export const sitesArg = Args.string({
  description: "a set, an idc or a region; several may be given",
  required: true,
  multiple: true,
});

export const wantedFlags = {
  ...changeFlags,
  ...simulateFlags,
  ttl: Oclif.string({
    description: "after so long it ends by itself, at most 31d",
    required: true,
    helpValue: "30m",
  }),
  ramp: Oclif.string({
    description: "at the end users come back in steps of 10%, each so long after the one before",
    default: "30s",
    helpValue: "30s",
  }),
  override: overrideFlag,
};

export const keepAwayFlags = { ...wantedFlags, ...filterFlags };

type Flags = Interfaces.InferredFlags<typeof wantedFlags>;
type Wanted = Omit<Intent, "sites" | "filter" | "actor">;
const IDLE = "nothing is changed";

/** Of the users, those who come back with each step of a ramp. */
const RAMP_STEP = 0.1;

interface How {
  readonly mode: Mode;
  /** Whether it ends only once nobody is left; by default not. */
  readonly empties?: boolean;
  readonly pace?: string;
}

/** A command that keeps users away from sites. */
export abstract class KeepAwayCommand<T extends typeof Command> extends ScheduleCommand<T> {
  protected async keepAway(names: readonly string[], how: How): Promise<object> {
    const { planChange } = await import("../run/change-users.js");
    const { inForceText } = await import("../report/in-force.js");
    const { state, simulate } = this.flags as Flags;
    const request = await this.request();
    const sites = sitesNamed(request.topology, names);
    const intent = { ...(await this.wanted(how)), sites, filter: this.filter };
    if (simulate) return this.simulatedKeepAway(request, intent);
    return this.withRuns(state, async (env) => {
      const wanted = { ...intent, actor: env.actor };
      const found = await planChange(env, request, wanted);
      const { already } = found;
      for (const one of already) this.print(inForceText(one, this.textOptions));
      return { ...(await this.changeAsHeard(env, found, IDLE)), already };
    });
  }

  /** What the flags say of how users are kept away. */
  protected async wanted({ mode, empties = false, pace = "auto" }: How): Promise<Wanted> {
    const { LONGEST_MS } = await import("../policy/document.js");
    const { reason, ttl, ramp, override = [] } = this.flags as Flags;
    return {
      mode,
      empties,
      reason,
      ttlMs: await milliseconds("ttl", ttl, LONGEST_MS),
      ramp: { step: RAMP_STEP, everyMs: await milliseconds("ramp", ramp, LONGEST_MS) },
      pace: paceNamed(pace),
      overrides: override,
    };
  }

  protected async simulatedKeepAway(
    request: ChangeRequest,
    intent: Omit<Intent, "actor">,
  ): Promise<object> {
    const { keepAwayScenario } = await import("../schedule/simulate/scenario.js");
    return this.simulated(
      request,
      (service) => keepAwayScenario(service, { ...intent, actor: "simulation" }),
      IDLE,
    );
  }
}
