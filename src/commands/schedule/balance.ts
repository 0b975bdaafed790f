import { ScheduleCommand, changeFlags } from "../../lib/console/schedule-command.js";

export default class ScheduleBalance extends ScheduleCommand<typeof ScheduleBalance> {
  static override summary = "Spread logins over the sites by quality, under capacity.";

  static override description = `The fractions of each carrier and province become those at which everyone of the topology's demand is where it is best for
them; what moves is the least that it takes. Who is connected stays until the next login. The first time it makes the policy.`;

  static override examples = [
    "<%= config.bin %> schedule balance -t topology.yaml --quality quality.yaml --reason 'first policy'",
  ];

  static override flags = changeFlags;

  async run(): Promise<object> {
    const { planBalance } = await import("../../lib/run/change-users.js");
    const { reason, state } = this.flags;
    const request = await this.request();
    return this.withRuns(state, async (env) => {
      const plan = await planBalance(env, request, { reason, actor: env.actor });
      return this.change(env, plan, "logins are spread so already");
    });
  }
}
