import { readFile } from "node:fs/promises";
import { Args } from "@oclif/core";
import { BaseCommand } from "../../lib/cli/base.js";
import { EXIT, OpsError } from "../../lib/errors.js";

export default class PlanShow extends BaseCommand<typeof PlanShow> {
  static override summary =
    "Show a plan: what it does, how to get back, what cannot be taken back.";

  static override description =
    "Needs nothing but the file. A plan that was changed after it was made is refused.";

  static override examples = ["<%= config.bin %> plan show plan.json"];

  static override args = {
    plan: Args.string({ description: "file that shard plan -o wrote", required: true }),
  };

  async run(): Promise<object> {
    const { decodePlan } = await import("../../lib/plan/encode.js");
    const { planText } = await import("../../lib/report/plan.js");
    const file = this.args.plan;
    const plan = decodePlan(await readText(file), file);
    this.print(planText(plan, { width: 80 }));
    return { v: 1, plan };
  }
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new OpsError(
      "plan/unreadable",
      EXIT.refused,
      `${file} cannot be read: ${code ?? String(cause)}`,
      {
        hint: "Give a file that ops shard plan -o wrote.",
        cause,
      },
    );
  }
}
