import type { Command, Interfaces } from "@oclif/core";
import * as Flags from "@oclif/core/flags";
import { dryRunFlag, stateFlag, topologyFlag, verboseFlag, yesFlag } from "../cli/flags.js";
import { EXIT, OpsError } from "../errors.js";
import type { UserPlan } from "../plan/users/types.js";
import type { UserFilter } from "../policy/filter.js";
import type { Change, ChangeRequest } from "../run/change-users.js";
import type { RunEnvironment } from "../run/session.js";
import type { Intent } from "../schedule/change/intent.js";
import type { Qualities } from "../schedule/quality/entries.js";
import type { Scenario } from "../schedule/simulate/simulate.js";
import type { VirtualService } from "../schedule/simulate/virtual.js";
import type { Topology } from "../topology/types.js";
import type { RegionScreen } from "./region-changes.js";
import { assertSaying, countNamed, paceNamed } from "./flag-values.js";
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

export const simulateFlags = {
  simulate: Flags.boolean({
    description: "ask no agent: run it in virtual time on the users of the topology's demand",
  }),
  chart: Flags.string({
    description: "with --simulate: draw users and logins of each site over time, as .svg or .html",
    dependsOn: ["simulate"],
    helpValue: "FILE",
  }),
};

export const paceFlag = Flags.string({
  description: "logins a second: auto, a number, or unpaced (the site is burning)",
  default: "auto",
  helpValue: "auto|N|unpaced",
});

export const overrideFlag = Flags.string({
  description: "do it although this safety rule says no; may be given several times",
  helpValue: "RULE",
  multiple: true,
  multipleNonGreedy: true,
});

/** Of commands that move users batch after batch. */
export const batchesFlags = {
  ...changeFlags,
  ...simulateFlags,
  batch: Flags.string({ description: "so many at a time; by default a tenth", helpValue: "1M" }),
  pace: paceFlag,
  override: overrideFlag,
};

/** The same chance every time: two simulations differ by what is simulated only. */
const SEED = 1;

type Changing = Interfaces.InferredFlags<typeof changeFlags>;

/** A command that plans a change of where users are, shows it, and applies it. */
export abstract class ScheduleCommand<T extends typeof Command> extends RunCommand<T> {
  protected override async init(): Promise<void> {
    await super.init();
    assertSaying((this.flags as Changing).reason);
  }

  /** The topology, and what users have of each site. */
  protected async request(): Promise<ChangeRequest> {
    const { costsOf } = await import("../schedule/quality/entries.js");
    const { quality } = this.flags as Changing;
    const { topology, topologyHash } = await this.topology();
    const costs = costsOf(await this.qualities(topology, quality));
    return { topology, topologyHash, costs };
  }

  protected async topology(): Promise<Pick<ChangeRequest, "topology" | "topologyHash">> {
    const { loadTopology } = await import("../topology/load.js");
    const { sha256 } = await import("../plan/hash.js");
    const { topology, text } = await loadTopology((this.flags as Changing).topology);
    return { topology, topologyHash: sha256(text) };
  }

  /** What a file says of them; nothing is known without one. */
  protected async qualities(topology: Topology, file: string | undefined): Promise<Qualities> {
    const { qualitiesOf } = await import("../schedule/quality/entries.js");
    const { demand } = topology;
    if (file === undefined || demand === null) return qualitiesOf(topology, []);
    const { readInput } = await import("../topology/load.js");
    const { parseQuality } = await import("../schedule/quality/parse.js");
    return qualitiesOf(topology, parseQuality(await readInput(file), file, topology, demand));
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

  /** The same; exit 6, too, where agents were not heard and nothing is changed: the plan would name them. */
  protected async changeAsHeard(
    env: RunEnvironment,
    { plan, silent }: Change,
    idle: string,
  ): Promise<object> {
    const changed = await this.change(env, plan, idle);
    if (plan === null)
      for (const { node, why } of silent) this.print(`${node} does not answer: ${why}`);
    if (silent.length > 0) this.exitWith(EXIT.partial);
    return { ...changed, silent };
  }

  /** Runs a scenario in virtual time and tells what happens, or `idle` for none. Exit 3 when it does not end well. */
  protected async simulated(
    request: ChangeRequest,
    scenarioOf: (service: VirtualService) => Promise<Scenario | null>,
    idle: string,
  ): Promise<object> {
    const { chart } = this.flags as Interfaces.InferredFlags<typeof simulateFlags>;
    const { demandOf } = await import("../schedule/change/service.js");
    const { virtualService } = await import("../schedule/simulate/virtual.js");
    const { simulate } = await import("../schedule/simulate/simulate.js");
    const { generator } = await import("../schedule/simulate/random.js");
    const { simulationText } = await import("../report/simulation.js");
    const { simulationFile } = await import("../report/simulation-file.js");
    const { assertWritable, writeOutput } = await import("../cli/write-output.js");
    if (chart !== undefined) simulationFile(chart);
    if (this.filter.port !== null) {
      throw new OpsError("bad-flag", EXIT.usage, "a simulation knows no ports", {
        hint: "leave --port out",
      });
    }
    if (chart !== undefined) await assertWritable(chart);
    const { topology, topologyHash } = request;
    const now = Date.now();
    const service = await virtualService({ ...request, demand: demandOf(topology) }, topologyHash, {
      now,
      createdAt: new Date(now).toISOString(),
    });
    const scenario = await scenarioOf(service);
    if (scenario === null) {
      this.print(idle);
      return { changes: false };
    }
    const simulation = simulate(scenario, generator(SEED));
    this.print(simulationText(simulation, this.textOptions.width));
    if (chart !== undefined) {
      await writeOutput(chart, simulationFile(chart)(simulation));
    }
    if (simulation.ended.how !== "done") this.exitWith(EXIT.refused);
    return { simulation };
  }

  /** What the flags of every command that moves users in batches ask for. */
  protected async batches() {
    const flags = this.flags as Interfaces.InferredFlags<typeof batchesFlags>;
    const { reason, batch, pace, override = [] } = flags;
    return {
      reason,
      batch: batch === undefined ? null : await countNamed("batch", batch),
      pace: paceNamed(pace),
      overrides: override,
    };
  }

  protected async simulatedRestore(
    request: ChangeRequest,
    asked: Pick<Intent, "sites" | "filter" | "reason" | "pace">,
    idle: string,
  ): Promise<object> {
    const { restoreScenario } = await import("../schedule/simulate/scenario.js");
    return this.simulated(request, (service) => restoreScenario(service, asked), idle);
  }

  /** For what is done with regions. */
  protected get screen(): RegionScreen {
    return {
      flags: this.flags as Changing,
      options: this.textOptions,
      print: (text) => this.print(text),
      told: (env, run) => this.told(env, run),
      exitWith: (code) => this.exitWith(code),
    };
  }

  protected get filter(): UserFilter {
    const { carrier, province, port } = this.flags as Interfaces.InferredFlags<typeof filterFlags>;
    return { carrier: carrier ?? null, province: province ?? null, port: port ?? null };
  }
}
