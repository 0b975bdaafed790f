import * as Flags from "@oclif/core/flags";
import { BaseCommand } from "../../lib/cli/base.js";

export default class DevDown extends BaseCommand<typeof DevDown> {
  static override summary = "Stop the agents that `ops dev up` started.";

  static override description =
    "Only those of DIR, each told by its pid and start time. Data, logs and ports stay: `ops dev up` goes on with them.";

  static override examples = ["<%= config.bin %> dev down --dir .ops-dev"];

  static override flags = {
    dir: Flags.string({
      description: "folder that `dev up` was given",
      helpValue: "DIR",
      required: true,
    }),
  };

  async run(): Promise<object> {
    const { takeDown } = await import("../../lib/demo/bring-up.js");
    const stopped = await takeDown(this.flags.dir);
    this.print(stopped.length === 0 ? "None of them was up." : `Stopped ${stopped.join(", ")}.`);
    return { v: 1, stopped };
  }
}
