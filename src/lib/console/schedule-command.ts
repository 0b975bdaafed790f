import type { Command, Interfaces } from "@oclif/core";
import * as Flags from "@oclif/core/flags";
import { dryRunFlag, stateFlag, topologyFlag, verboseFlag, yesFlag } from "../cli/flags.js";
import { EXIT, OpsError } from "../errors.js";
import type { UserPlan } from "../plan/users/types.js";
import type { UserFilter } from "../policy/filter.js";
import type { ChangeRequest } from "../run/change-users.js";
import type { RunEnvironment } from "../run/session.js";
import type { Intent, Pace } from "../schedule/change/intent.js";
import type { Qualities } from "../schedule/quality/entries.js";
import type { Scenario } from "../schedule/simulate/simulate.js";
import type { VirtualService } from "../schedule/simulate/virtual.js";
import type { Topology } from "../topology/types.js";
import type { RegionScreen } from "./region-changes.js";
import { RunCommand } from "./run-command.js";

export const qualityFlag = Flags.string({
  description: "measured quality: a list of { carrier, province, site, rttMs, loss }",
  helpValue: "FILE",
});

/** Of every command that changes where users are. */
export const changeFlags = {
  topology: topologyFlag,
  quality: qualityFlag,
  reason: Flags.string({
    description: "why, for those who find it later",
    required: true,
    parse: async (text) => {
      if (text.trim() !== "") return text;
      throw new OpsError("bad-flag", EXIT.usage, "--reason says nothing", {
        hint: "for example --reason 'packet loss at the border'",
      });
    },
  }),
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
    description: "with --simulate: write users and logins of each site over time as SVG",
    dependsOn: ["simulate"],
    helpValue: "FILE",
  }),
};

export const paceFlag = Flags.string({
  description: "logins a second: auto, a number, or unpaced (the site is burning)",
  default: "auto",
  helpValue: "auto|N|unpaced",
});

export const batchFlag = Flags.string({
  description: "so many at a time; by default a tenth",
  helpValue: "1M",
});

export const overrideFlag = Flags.string({
  description: "do it although this safety rule says no; may be given several times",
  helpValue: "RULE",
  multiple: true,
  multipleNonGreedy: true,
});

/** The same chance every time: two simulations differ by what is simulated only. */
const SEED = 1;

type Changing = Interfaces.InferredFlags<typeof changeFlags>;

/** A command that plans a change of where users are, shows it, and applies it. */
export abstract class ScheduleCommand<T extends typeof Command> extends RunCommand<T> {
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
    if (this.filter.port !== null) {
      throw new OpsError("bad-flag", EXIT.usage, "a simulation knows no ports", {
        hint: "leave --port out",
      });
    }
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
      const { simulationChart } = await import("../report/simulation-chart.js");
      const { writeOutput } = await import("../cli/write-output.js");
      await writeOutput(chart, simulationChart(simulation));
    }
    if (simulation.ended.how !== "done") this.exitWith(EXIT.refused);
    return { simulation };
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

/** `sz-1-a=60,tj-1-a=40`: sets with their weights. Throws `bad-flag` (exit 64). */
export function weightsNamed({ sets }: Topology, text: string): Map<string, number> {
  const weights = new Map<string, number>();
  for (const part of text.split(",")) {
    const [name = "", weight = "1"] = part.split("=");
    const isWeight = Number(weight) > 0 && Number.isFinite(Number(weight));
    if (sets.some(({ id }) => id === name) && isWeight) weights.set(name, Number(weight));
    else {
      throw new OpsError(
        "bad-flag",
        EXIT.usage,
        `--to ${part}: not a set of the topology with its part`,
        {
          hint: "for example --to sz-1-a=60,tj-1-a=40",
        },
      );
    }
  }
  return weights;
}

export async function countNamed(name: string, text: string): Promise<number> {
  const { readCount } = await import("../topology/units.js");
  const read = readCount(text);
  if (read.ok && read.value > 0n) return Number(read.value);
  const problem = read.ok ? "at least one" : read.problem;
  throw new OpsError("bad-flag", EXIT.usage, `--${name} ${text}: ${problem}`, {
    hint: "for example 10M or 2000",
  });
}

/** 0..1. Throws `bad-flag` (exit 64), also for nothing at all. */
export async function shareNamed(name: string, text: string): Promise<number> {
  const { readPercent } = await import("../topology/units.js");
  const read = readPercent(text);
  if (read.ok && read.value > 0) return read.value / 100;
  const problem = read.ok ? "it must be more than 0%" : read.problem;
  throw new OpsError("bad-flag", EXIT.usage, `--${name} ${text}: ${problem}`, {
    hint: "for example 5%",
  });
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
