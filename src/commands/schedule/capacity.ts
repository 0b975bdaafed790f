import { BaseCommand } from "../../lib/cli/base.js";
import { topologyFlag, verboseFlag } from "../../lib/cli/flags.js";
import { qualityFlag } from "../../lib/console/schedule-command.js";
import { EXIT, OpsError } from "../../lib/errors.js";

export default class ScheduleCapacity extends BaseCommand<typeof ScheduleCapacity> {
  static override summary = "What happens to the users when a region or an idc is lost.";

  static override description = `Puts all users of the topology's demand where they are best, then takes away each region and each idc, and says for each: how
full the other sites, the carriers and the layers get, who has no place and which limit is in the way, how many users
move, and how long their logins take. Ends with 3 if a loss within policy.regionsLost cannot be carried. Asks no agent.`;

  static override examples = [
    "<%= config.bin %> schedule capacity -t topology.yaml",
    "<%= config.bin %> schedule capacity -t topology.yaml --quality quality.yaml --json",
  ];

  static override flags = {
    topology: topologyFlag,
    quality: qualityFlag,
    verbose: verboseFlag,
  };

  async run(): Promise<object> {
    const { loadTopology, readInput } = await import("../../lib/topology/load.js");
    const { costsOf, qualitiesOf } = await import("../../lib/schedule/quality/entries.js");
    const { studyLosses } = await import("../../lib/schedule/losses/study.js");
    const { renderMeasured, renderOutcome, renderOutcomes } =
      await import("../../lib/report/schedule-capacity.js");
    const { topology: file, quality } = this.flags;
    const { topology } = await loadTopology(file);
    const { demand } = topology;
    if (!demand) {
      throw new OpsError(
        "no-demand",
        EXIT.refused,
        `${file} does not say how many users there are`,
        {
          hint: "add `demand` (docs/topology.md)",
        },
      );
    }
    const entries =
      quality === undefined
        ? []
        : (await import("../../lib/schedule/quality/parse.js")).parseQuality(
            await readInput(quality),
            quality,
            topology,
            demand,
          );
    const qualities = qualitiesOf(topology, entries);
    this.print(`${renderMeasured(topology, demand, qualities)}\n`);
    const outcomes = [];
    for await (const outcome of studyLosses(topology, demand, costsOf(qualities))) {
      outcomes.push(outcome);
      this.print(`${renderOutcome(outcome, this.textOptions)}\n`);
    }
    this.print(renderOutcomes(outcomes, this.textOptions.width));
    const ok = outcomes.every(({ required, fits }) => !required || fits);
    if (!ok) this.exitWith(EXIT.refused);
    return {
      v: 1,
      ok,
      outcomes: outcomes.map(({ loss, ...outcome }) => ({
        lost: loss && { what: loss.what, regions: loss.regions, idcs: [...loss.idcs] },
        ...outcome,
      })),
    };
  }
}
