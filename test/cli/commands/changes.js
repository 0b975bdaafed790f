import { BaseCommand } from "../lib/cli/base.js";

export default class Changes extends BaseCommand {
  async run() {
    this.exitWith(2);
    return { changes: 3 };
  }
}
