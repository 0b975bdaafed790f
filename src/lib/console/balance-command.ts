import type { Command, Interfaces } from "@oclif/core";
import * as Flags from "@oclif/core/flags";
import { EXIT, OpsError } from "../errors.js";
import type { BalanceRequest } from "../run/balance-users.js";
import { milliseconds, shareNamed } from "./flag-values.js";
import { ScheduleCommand, changeFlags, overrideFlag, simulateFlags } from "./schedule-command.js";

/** Rounds that are further apart are commands of their own, ms. */
const EVERY_MOST_MS = 24 * 3_600_000;
const SIMULATED_EVERY_MS = 60_000;

export const balanceFlags = {
  ...changeFlags,
  quality: Flags.string({
    description:
      "a list of { carrier, province, site, rttMs, loss }, or live: what gateways and clients have measured",
    helpValue: "FILE|live",
  }),
  most: Flags.string({
    description: "of the users online, at most so many move in a round",
    default: "5%",
    helpValue: "5%",
  }),
  every: Flags.string({ description: "a round each so often, until Ctrl-C", helpValue: "60s" }),
  override: overrideFlag,
  ...simulateFlags,
};

type Balancing = Interfaces.InferredFlags<typeof balanceFlags>;

/** A command that balances: one round, many, or in virtual time. */
export abstract class BalanceCommand<T extends typeof Command> extends ScheduleCommand<T> {
  protected async balance(): Promise<object> {
    const { planBalance } = await import("../run/balance-users.js");
    const { roundText } = await import("../report/balance.js");
    const { state, every, simulate } = this.flags as Balancing;
    const everyMs = every === undefined ? null : await milliseconds("every", every, EVERY_MOST_MS);
    const request = await this.asked();
    if (simulate) return this.inVirtualTime(request, everyMs ?? SIMULATED_EVERY_MS);
    if (everyMs !== null) return this.rounds(request, everyMs);
    return this.withRuns(state, async (env) => {
      const { plan, figures, silent } = await planBalance(env, request);
      if (figures !== null) this.print(`${roundText(figures, this.textOptions.width)}\n`);
      const changed = await this.change(env, plan, "users are spread so already, or nearly so");
      if (silent.length > 0) this.exitWith(EXIT.partial);
      return { ...changed, balance: figures, silent };
    });
  }

  private async asked(): Promise<BalanceRequest> {
    const { quality, reason, most, override = [] } = this.flags as Balancing;
    const { topology, topologyHash } = await this.topology();
    const source =
      quality === "live"
        ? ({ kind: "live" } as const)
        : ({ kind: "stated", qualities: await this.qualities(topology, quality) } as const);
    const share = await shareNamed("most", most);
    return { topology, topologyHash, quality: source, reason, most: share, overrides: override };
  }

  /** Begins with everyone where logins are the quickest, whatever the quality: as a first policy without one has it. */
  private async inVirtualTime(request: BalanceRequest, everyMs: number): Promise<object> {
    const { topology, topologyHash, quality } = request;
    if (quality.kind === "live") {
      throw new OpsError(
        "bad-flag",
        EXIT.usage,
        "a simulation asks no agent for what it measured",
        {
          hint: "give --quality FILE",
        },
      );
    }
    const { stated } = await import("../schedule/quality/tolls.js");
    const { balanceScenario } = await import("../schedule/simulate/scenario.js");
    const costs = () => topology.sets.map(() => 0);
    return this.simulated(
      { topology, topologyHash, costs },
      (service) => balanceScenario(service, request, stated(quality.qualities), everyMs / 1_000),
      "nobody would be better off anywhere else",
    );
  }

  private async rounds(request: BalanceRequest, everyMs: number): Promise<object> {
    const { state, yes, most, "dry-run": isDry } = this.flags as Balancing;
    if (isDry) {
      throw new OpsError(
        "bad-flag",
        EXIT.usage,
        "--dry-run shows one round, --every applies many",
        {
          hint: "give one of them",
        },
      );
    }
    const { confirm } = await import("../cli/confirm.js");
    const { durationText } = await import("../figures.js");
    const { balanceRounds } = await import("../run/balance-rounds.js");
    const { roundLine } = await import("../report/balance.js");
    await confirm(`Move up to ${most} of the users every ${durationText(everyMs)}, until Ctrl-C?`, {
      yes,
    });
    return this.withRuns(state, async (env) => {
      const all = await balanceRounds(env, request, everyMs, (done) => {
        this.print(roundLine(done, this.textOptions.width));
        this.event("round", done);
      });
      if (all.silent.length > 0) this.exitWith(EXIT.partial);
      return all;
    });
  }
}
