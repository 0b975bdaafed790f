import type { Command, Interfaces } from "@oclif/core";
import { Flags } from "@oclif/core";
import { dryRunFlag, stateFlag, topologyFlag, verboseFlag, yesFlag } from "../cli/flags.js";
import { EXIT, OpsError } from "../errors.js";
import type { UserFilter, UserPlan } from "../plan/users/types.js";
import type { ChangeRequest } from "../run/change-users.js";
import type { RunEnvironment } from "../run/session.js";
import type { Pace } from "../schedule/change/intent.js";
import type { Topology } from "../topology/types.js";
import { RunCommand } from "./run-command.js";

export const qualityFlag = Flags.string({
  description: "measured quality: a list of { carrier, province, site, rttMs, loss }",
  helpValue: "FILE",
});

/** Of every command that changes where users are. */
export const changeFlags = {
  topology: topologyFlag,
  quality: qualityFlag,
  reason: Flags.string({ description: "why, for those who find it later", required: true }),
  "dry-run": dryRunFlag,
  verbose: verboseFlag,
  state: stateFlag,
  yes: yesFlag,
};

export const filterFlags = {
  carrier: Flags.string({ description: "only users of this carrier" }),
  province: Flags.string({ description: "only users in this province" }),
  port: Flags.integer({ description: "only this port of the gateways", min: 1, max: 65_535 }),
};

export const paceFlag = Flags.string({
  description: "logins a second: auto, a number, or unpaced (the site is burning)",
  default: "auto",
  helpValue: "auto|N|unpaced",
});

type Changing = Interfaces.InferredFlags<typeof changeFlags>;

/** A command that plans a change of where users are, shows it, and applies it. */
export abstract class ScheduleCommand<T extends typeof Command> extends RunCommand<T> {
  /** The topology, and what users have of each site. */
  protected async request(): Promise<ChangeRequest> {
    const { loadTopology, readInput } = await import("../topology/load.js");
    const { costsOf, qualitiesOf } = await import("../schedule/quality/entries.js");
    const { sha256 } = await import("../plan/hash.js");
    const { topology: file, quality } = this.flags as Changing;
    const { topology, text } = await loadTopology(file);
    const { demand } = topology;
    const entries =
      quality === undefined || demand === null
        ? []
        : (await import("../schedule/quality/parse.js")).parseQuality(
            await readInput(quality),
            quality,
            topology,
            demand,
          );
    const costs = costsOf(qualitiesOf(topology, entries));
    return { topology, topologyHash: sha256(text), costs };
  }

  /** Shows the plan; applies it unless it is a dry run. Exit 6 when access agents were not reached. */
  protected async change(
    env: RunEnvironment,
    plan: UserPlan | null,
    idle: string,
  ): Promise<object> {
    if (plan === null) {
      this.print(idle);
      return { changes: false };
    }
    const { userPlanText } = await import("../report/user-plan.js");
    const { "dry-run": isDry, yes } = this.flags as Changing;
    this.print(`${userPlanText(plan, this.textOptions)}\n`);
    if (isDry) {
      this.print("dry run: nothing was changed");
      return { dryRun: true, plan };
    }
    const { confirm } = await import("../cli/confirm.js");
    const { what, sites } = plan.change;
    await confirm(`Apply plan ${plan.hash.slice(0, 12)} (${what} ${sites.join(", ")})?`, { yes });
    const { applyPlan } = await import("../run/apply.js");
    const summary = await this.told(env, await applyPlan(env, plan, { until: null }));
    if (plan.silent.length > 0) this.exitWith(EXIT.partial);
    return { ...summary, silent: plan.silent };
  }

  protected get filter(): UserFilter {
    const { carrier, province, port } = this.flags as Interfaces.InferredFlags<typeof filterFlags>;
    return { carrier: carrier ?? null, province: province ?? null, port: port ?? null };
  }
}

/** The sets that names of sets, idcs and regions mean. Throws `no-such-site` (exit 64). */
export function sitesNamed({ sets }: Topology, names: readonly string[]): string[] {
  const found = names.flatMap((name) => {
    const meant = sets.filter(({ id, idc, region }) => [id, idc, region].includes(name));
    if (meant.length > 0) return meant.map(({ id }) => id);
    throw new OpsError(
      "no-such-site",
      EXIT.usage,
      `the topology has no set, idc or region ${name}`,
      {
        hint: "ops topology show lists them",
      },
    );
  });
  return [...new Set(found)];
}

/** Throws `bad-flag` (exit 64), also for no time at all and for more than `most` ms. */
export async function milliseconds(name: string, text: string, most: number): Promise<number> {
  const { readDuration } = await import("../topology/units.js");
  const read = readDuration(text);
  if (read.ok) {
    const ms = Number(read.value);
    if (ms > 0 && ms <= most) return ms;
    const { durationText } = await import("../figures.js");
    throw new OpsError(
      "bad-flag",
      EXIT.usage,
      `--${name} ${text}: it must be more than 0, and at most ${durationText(most)}`,
    );
  }
  throw new OpsError("bad-flag", EXIT.usage, `--${name} ${text}: ${read.problem}`, {
    hint: read.hint,
  });
}

export function paceNamed(text: string): Pace {
  if (text === "auto" || text === "unpaced") return { kind: text };
  const perSecond = Number(text.replace(/\/s$/, ""));
  if (perSecond > 0 && Number.isFinite(perSecond)) return { kind: "rate", perSecond };
  throw new OpsError("bad-flag", EXIT.usage, `--pace ${text} is no pace`, {
    hint: "auto, unpaced, or logins a second: 500",
  });
}
