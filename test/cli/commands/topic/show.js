import { stateFlag, topologyFlag } from "../../lib/cli/flags.js";
import { BaseCommand } from "../../lib/cli/base.js";

export default class Show extends BaseCommand {
  static flags = { state: stateFlag, topology: topologyFlag };

  async run() {
    this.print(`${this.flags.state} ${this.flags.topology}`);
    return { ...this.flags };
  }
}
