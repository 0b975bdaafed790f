import { setTimeout as sleep } from "node:timers/promises";
import { BaseCommand } from "../lib/cli/base.js";
import { stdoutClosed } from "../lib/cli/output.js";

export default class Chatter extends BaseCommand {
  async run() {
    while (!stdoutClosed.aborted) {
      this.print("line ".repeat(100));
      await sleep(1);
    }
    this.note("nobody reads");
    return {};
  }
}
