import { confirm } from "../lib/cli/confirm.js";
import { yesFlag } from "../lib/cli/flags.js";
import { BaseCommand } from "../lib/cli/base.js";

export default class Ask extends BaseCommand {
  static flags = { yes: yesFlag };

  async run() {
    await confirm("Drop it all?", this.flags);
    this.print("dropped");
    return { sure: true };
  }
}
