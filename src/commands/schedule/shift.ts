import * as Flags from "@oclif/core/flags";
import { EXIT, OpsError } from "../../lib/errors.js";
import { countNamed, sitesNamed, weightsNamed } from "../../lib/console/flag-values.js";
import { ScheduleCommand, batchesFlags, filterFlags } from "../../lib/console/schedule-command.js";

const { carrier, province } = filterFlags;

function notOne(from: string): OpsError {
  return new OpsError("bad-flag", EXIT.usage, `--from ${from} is more than one set`, {
    hint: "shift one set after the other",
  });
}

function toItself(site: string): OpsError {
  return new OpsError("bad-flag", EXIT.usage, `--to names ${site}, which users are to leave`, {
    hint: "leave it out: whoever is not moved stays there",
  });
}

export default class ScheduleShift extends ScheduleCommand<typeof ScheduleShift> {
  static override summary = "Move a part of a site's users to others for good, batch after batch.";

  static override description = `Each batch changes the fractions by which users belong to sites, and tells those who are moved to log in there; the sites that
get them are watched before the next. Ctrl-C stops between two steps, ops run resume goes on, ops run rollback brings users back.`;

  static override examples = [
    "<%= config.bin %> schedule shift --from sh-1-a --to sz-1-a=60,tj-1-a=40 --users 10M --batch 1M -t topology.yaml --reason 'new hall'",
  ];

  static override flags = {
    ...batchesFlags,
    carrier,
    province,
    from: Flags.string({ description: "the set that users leave", required: true }),
    to: Flags.string({
      description: "the sets that get them, each with its part",
      required: true,
      helpValue: "SET=60,SET=40",
    }),
    users: Flags.string({
      description: "so many of those who are online there now; by default all",
      helpValue: "10M",
    }),
  };

  async run(): Promise<object> {
    const { planShift } = await import("../../lib/run/change-users.js");
    const { state, from, to, users, simulate } = this.flags;
    const request = await this.request();
    const { topology } = request;
    const [site, ...others] = sitesNamed(topology, [from]);
    if (others.length > 0) throw notOne(from);
    const weights = weightsNamed(topology, to);
    if (weights.has(site!)) throw toItself(site!);
    const asked = {
      from: site!,
      to: weights,
      filter: { carrier: this.filter.carrier, province: this.filter.province },
      users: users === undefined ? null : await countNamed("users", users),
      ...(await this.batches()),
    };
    const idle = `nobody at ${from} can be moved there`;
    if (simulate) {
      const { shiftScenario } = await import("../../lib/schedule/simulate/scenario.js");
      return this.simulated(request, (service) => shiftScenario(service, asked), idle);
    }
    return this.withRuns(state, async (env) => {
      const plan = await planShift(env, request, { ...asked, actor: env.actor });
      return this.change(env, plan, idle);
    });
  }
}
