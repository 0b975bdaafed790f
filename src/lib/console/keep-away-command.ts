import type { Command, Interfaces } from "@oclif/core";
import { Args, Flags } from "@oclif/core";
import type { Mode } from "../schedule/policy/document.js";
import {
  ScheduleCommand,
  changeFlags,
  filterFlags,
  milliseconds,
  paceNamed,
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
  override: Flags.string({
    description: "do it although this safety rule says no; may be given several times",
    helpValue: "RULE",
    multiple: true,
    multipleNonGreedy: true,
  }),
};

/** Of the users, those who come back with each step of a ramp. */
const RAMP_STEP = 0.1;

/** A command that keeps users away from sites. */
export abstract class KeepAwayCommand<T extends typeof Command> extends ScheduleCommand<T> {
  protected async keepAway(names: readonly string[], mode: Mode, pace = "auto"): Promise<object> {
    const { planChange } = await import("../run/change-users.js");
    const flags = this.flags as Interfaces.InferredFlags<typeof keepAwayFlags>;
    const { reason, ttl, ramp, override = [], state } = flags;
    const request = await this.request();
    const sites = sitesNamed(request.topology, names);
    const { LONGEST_MS } = await import("../schedule/policy/document.js");
    const ttlMs = await milliseconds("ttl", ttl, LONGEST_MS);
    const everyMs = await milliseconds("ramp", ramp, LONGEST_MS);
    return this.withRuns(state, async (env) => {
      const plan = await planChange(env, request, {
        mode,
        sites,
        filter: this.filter,
        reason,
        actor: env.actor,
        ttlMs,
        ramp: { step: RAMP_STEP, everyMs },
        pace: paceNamed(pace),
        overrides: override,
      });
      return this.change(env, plan, "");
    });
  }
}
