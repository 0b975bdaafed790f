import type { Command, Interfaces } from "@oclif/core";
import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";
import { EXIT } from "../errors.js";
import type { Mode } from "../policy/document.js";
import {
  ScheduleCommand,
  changeFlags,
  filterFlags,
  milliseconds,
  overrideFlag,
  paceNamed,
  simulateFlags,
  sitesNamed,
} from "./schedule-command.js";

export const sitesArg = Args.string({
  description: "a set, an idc or a region; several may be given",
  required: true,
  multiple: true,
});

export const keepAwayFlags = {
  ...changeFlags,
  ...filterFlags,
  ...simulateFlags,
  ttl: Flags.string({
    description: "after so long it ends by itself, at most 31d",
    required: true,
    helpValue: "30m",
  }),
  ramp: Flags.string({
    description: "at the end users come back in steps of 10%, each so long after the one before",
    default: "30s",
    helpValue: "30s",
  }),
  override: overrideFlag,
};

/** Of the users, those who come back with each step of a ramp. */
const RAMP_STEP = 0.1;

/** A command that keeps users away from sites. */
export abstract class KeepAwayCommand<T extends typeof Command> extends ScheduleCommand<T> {
  protected async keepAway(names: readonly string[], mode: Mode, pace = "auto"): Promise<object> {
    const { planChange } = await import("../run/change-users.js");
    const { inForceText } = await import("../report/in-force.js");
    const flags = this.flags as Interfaces.InferredFlags<typeof keepAwayFlags>;
    const { reason, ttl, ramp, override = [], state, simulate } = flags;
    const request = await this.request();
    const sites = sitesNamed(request.topology, names);
    const { LONGEST_MS } = await import("../policy/document.js");
    const ttlMs = await milliseconds("ttl", ttl, LONGEST_MS);
    const everyMs = await milliseconds("ramp", ramp, LONGEST_MS);
    const intent = {
      mode,
      sites,
      filter: this.filter,
      reason,
      ttlMs,
      ramp: { step: RAMP_STEP, everyMs },
      pace: paceNamed(pace),
      overrides: override,
    };
    if (simulate) {
      const { keepAwayScenario } = await import("../schedule/simulate/scenario.js");
      return this.simulated(request, (service) =>
        keepAwayScenario(service, { ...intent, actor: "simulation" }),
      );
    }
    return this.withRuns(state, async (env) => {
      const wanted = { ...intent, actor: env.actor };
      const { plan, already, silent } = await planChange(env, request, wanted);
      for (const one of already) this.print(inForceText(one, this.textOptions));
      const changed = await this.change(env, plan, "nothing is changed");
      if (plan === null)
        for (const { node, why } of silent) this.print(`${node} does not answer: ${why}`);
      if (silent.length > 0) this.exitWith(EXIT.partial);
      return { ...changed, already, silent };
    });
  }
}
