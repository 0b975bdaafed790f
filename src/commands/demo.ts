import * as Flags from "@oclif/core/flags";
import { BaseCommand } from "../lib/cli/base.js";
import { EXIT } from "../lib/errors.js";

export default class Demo extends BaseCommand<typeof Demo> {
  static override summary =
    "Expand a cluster on this machine while users write, and check every acknowledged write.";

  static override description = `Real agents for three regions on loopback; users who write, delete and read; then expand, plan, apply, verify,
roll back, apply again and finalize, with an agent killed on the way. Exit 1 when anything acknowledged is lost.`;

  static override flags = {
    keep: Flags.boolean({ description: "leave the cluster up, in .ops-demo", default: false }),
    users: Flags.integer({
      description: "users, three keys each",
      default: 200_000,
      min: 100,
      max: 200_000,
    }),
  };

  async run(): Promise<object> {
    const { demoControl } = await import("../lib/console/demo-control.js");
    const { openStage } = await import("../lib/demo/stage.js");
    const { tellStory } = await import("../lib/demo/story.js");
    const { demoTable } = await import("../lib/report/demo.js");
    const { onStopSignals } = await import("../lib/cli/signals.js");
    const { keep, users } = this.flags;
    const say = (line: string): void => this.note(line);
    const stage = await openStage({ keep, say });
    const leave = (): void => void stage.close(false).finally(() => process.exit(EXIT.partial));
    const ignoreSignals = onStopSignals({ stop: leave, detach: () => process.exit(EXIT.partial) });
    let failed = true;
    try {
      const { cluster, topologies, state } = stage;
      const result = await tellStory({
        cluster,
        topologies,
        control: (listener) => demoControl(state, listener, cluster.died),
        users,
        random: Math.random,
        say,
      });
      this.print(demoTable(result));
      const { facts } = result;
      failed = facts.lost + facts.resurrected > 0 || facts.checked < facts.acked;
      if (failed || cluster.died.aborted) this.exitWith(EXIT.failure);
      return facts;
    } finally {
      ignoreSignals();
      await stage.close(failed);
    }
  }
}
