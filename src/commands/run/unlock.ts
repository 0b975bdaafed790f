import * as Args from "@oclif/core/args";
import { BaseCommand } from "../../lib/cli/base.js";
import { confirm } from "../../lib/cli/confirm.js";
import { stateFlag, yesFlag } from "../../lib/cli/flags.js";
import { EXIT, OpsError } from "../../lib/errors.js";

export default class RunUnlock extends BaseCommand<typeof RunUnlock> {
  static override summary =
    "Free a lock whose holder is gone but cannot be seen to be, such as one on another machine.";

  static override description =
    "Agents refuse the old holder as soon as the next run has begun: its epoch is older. The locks of dead processes of this machine need no unlocking.";

  static override examples = ["<%= config.bin %> run unlock keyspace/profile"];

  static override args = {
    scope: Args.string({ description: "keyspace/K or schedule", required: true }),
  };

  static override flags = { state: stateFlag, yes: yesFlag };

  async run(): Promise<object> {
    const { scope } = this.args;
    const { FileStateStore } = await import("../../lib/state/file/store.js");
    const store = new FileStateStore(this.flags.state);
    const holder = (await store.holders()).find((held) => held.scope === scope);
    if (holder === undefined) {
      this.print(`${scope} is not locked`);
      return { v: 1, scope, freed: null };
    }
    const question = `Free ${scope}, held by run ${holder.run} (${holder.actor}, process ${holder.pid} on ${holder.host})?`;
    if (holder.alive === "yes") {
      throw new OpsError(
        "still-alive",
        EXIT.refused,
        `process ${holder.pid} on this machine still holds ${scope} for run ${holder.run}`,
        {
          hint: "stop it with Ctrl-C where it runs",
        },
      );
    }
    await confirm(question, { yes: this.flags.yes });
    await store.breakLock(scope);
    this.print(`${scope} is free`);
    return { v: 1, scope, freed: holder };
  }
}
