import { setTimeout as sleep } from "node:timers/promises";
import { onStopSignals } from "../lib/cli/signals.js";
import { BaseCommand } from "../lib/cli/base.js";

/** Its work is over, but it has not said so yet. */
export default class End extends BaseCommand {
  async run() {
    const over = onStopSignals({
      stop: () => this.print("stopping"),
      detach: () => this.print("detaching"),
    });
    over();
    this.print("over");
    await sleep(2_000);
    this.print("told");
    return {};
  }
}
