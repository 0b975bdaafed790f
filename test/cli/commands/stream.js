import { Flags } from "@oclif/core";
import { OpsError } from "../lib/errors.js";
import { BaseCommand } from "../lib/cli/base.js";

export default class Stream extends BaseCommand {
  static streams = true;
  static flags = { fail: Flags.boolean() };

  async run() {
    this.event("stage", { name: "sync", at: 5n });
    const progress = await this.progress();
    progress.update({ stage: "sync", done: 1n, total: 4n, unit: "rows" });
    progress.done("copied");
    progress.stop();
    if (this.flags.fail)
      throw new OpsError("stopped", 6, "stopped half-way", { hint: "resume it" });
    return { moved: 12n };
  }
}
