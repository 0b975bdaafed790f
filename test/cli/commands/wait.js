import { onStopSignals } from "../lib/cli/signals.js";
import { OpsError } from "../lib/errors.js";
import { BaseCommand } from "../lib/cli/base.js";

export default class Wait extends BaseCommand {
  async run() {
    const alive = setInterval(() => {}, 1_000);
    await new Promise((_resolve, reject) => {
      onStopSignals({
        stop: () => this.print("stopping"),
        detach: () => reject(new OpsError("detached", 8, "the agents go on")),
      });
      this.print("ready");
    }).finally(() => clearInterval(alive));
    return {};
  }
}
