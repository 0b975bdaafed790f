import { BaseCommand } from "../../lib/cli/base.js";
import { planArg, verboseFlag } from "../../lib/cli/flags.js";

export default class PlanShow extends BaseCommand<typeof PlanShow> {
  static override summary =
    "Show a plan: what it does, how to get back, what cannot be taken back.";

  static override description =
    "Needs nothing but the file. A plan that was changed after it was made is refused.";

  static override examples = ["<%= config.bin %> plan show plan.json"];

  static override args = {
    plan: planArg,
  };

  static override flags = { verbose: verboseFlag };

  async run(): Promise<object> {
    const { readPlan } = await import("../../lib/run/read-plan.js");
    const { planText } = await import("../../lib/report/plan.js");
    const plan = await readPlan(this.args.plan);
    this.print(planText(plan, this.textOptions));
    return { v: 1, plan };
  }
}
