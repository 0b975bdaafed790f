import { Flags } from "@oclif/core";
import {
  ScheduleCommand,
  changeFlags,
  milliseconds,
  overrideFlag,
  shareNamed,
} from "../../lib/console/schedule-command.js";
import { EXIT, OpsError } from "../../lib/errors.js";
import type { BalanceRequest } from "../../lib/run/balance-users.js";

/** Rounds that are further apart are commands of their own, ms. */
const EVERY_MOST_MS = 24 * 3_600_000;

export default class ScheduleBalance extends ScheduleCommand<typeof ScheduleBalance> {
  static override summary =
    "Move users to where they are better off, a few of them, under capacity.";

  static override description = `One round: of the users online at most --most belong elsewhere from then on, those for whom it gains the most, and those of
them who are connected are told to log in there, with the sites that get them watched. What gains too little is left as
it is. The first time it makes the policy, from the topology's demand. --every goes on round after round, until Ctrl-C.`;

  static override examples = [
    "<%= config.bin %> schedule balance -t topology.yaml --quality quality.yaml --reason 'first policy'",
    "<%= config.bin %> schedule balance -t topology.yaml --quality live --every 60s --yes --reason 'by quality'",
  ];

  static override flags = {
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
  };

  async run(): Promise<object> {
    const { planBalance } = await import("../../lib/run/balance-users.js");
    const { roundText } = await import("../../lib/report/balance.js");
    const { state, every } = this.flags;
    const everyMs = every === undefined ? null : await milliseconds("every", every, EVERY_MOST_MS);
    const request = await this.asked();
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
    const { quality, reason, most, override = [] } = this.flags;
    const { topology, topologyHash } = await this.topology();
    const source =
      quality === "live"
        ? ({ kind: "live" } as const)
        : ({ kind: "stated", qualities: await this.qualities(topology, quality) } as const);
    const share = await shareNamed("most", most);
    return { topology, topologyHash, quality: source, reason, most: share, overrides: override };
  }

  private async rounds(request: BalanceRequest, everyMs: number): Promise<object> {
    const { state, yes, most, "dry-run": isDry } = this.flags;
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
    const { confirm } = await import("../../lib/cli/confirm.js");
    const { durationText } = await import("../../lib/figures.js");
    const { balanceRounds } = await import("../../lib/run/balance-rounds.js");
    const { roundLine } = await import("../../lib/report/balance.js");
    await confirm(`Move up to ${most} of the users every ${durationText(everyMs)}, until Ctrl-C?`, {
      yes,
    });
    return this.withRuns(state, (env) =>
      balanceRounds(env, request, everyMs, (done) => {
        this.print(roundLine(done, this.textOptions.width));
        this.event("round", done);
      }),
    );
  }
}
