import * as Flags from "@oclif/core/flags";
import { BaseCommand } from "../lib/cli/base.js";
import { EXIT } from "../lib/errors.js";
import type { DemoResult } from "../lib/demo/facts.js";
import type { DemoStage } from "../lib/demo/stage.js";

export default class Demo extends BaseCommand<typeof Demo> {
  static override summary =
    "Show on this machine how data is moved while users write, and how a region is left while users are connected.";

  static override description = `Real agents for three regions on loopback. expand: users who write, delete and read; then expand, plan, apply, verify, roll back,
apply again and finalize, with an agent killed on the way. evacuate: users with WebSocket sessions; a site that loses more
and more heartbeats is masked and weakly disabled, its gateway is killed on the way, it is strongly disabled, and restored.
Both, one after the other, unless --scenario names one. Exit 1 when anything acknowledged is lost, a user finds no session
again, or a site lets in more than it takes.`;

  static override flags = {
    scenario: Flags.option({
      description: "only this one",
      options: ["expand", "evacuate"] as const,
    })(),
    keep: Flags.boolean({
      description: "leave the clusters up, in .ops-demo and .ops-demo-users",
      default: false,
    }),
    users: Flags.integer({
      description: "expand: users, three keys each",
      default: 200_000,
      min: 100,
      max: 200_000,
    }),
    sessions: Flags.integer({
      description: "evacuate: users who are connected",
      default: 6_000,
      min: 100,
      max: 6_000,
    }),
  };

  async run(): Promise<object> {
    const { playScenario, SCENARIOS } = await import("../lib/console/demo-scenarios.js");
    const { factsOf, isWell } = await import("../lib/demo/facts.js");
    const { demoTable } = await import("../lib/report/demo.js");
    const { onStopSignals } = await import("../lib/cli/signals.js");
    const { scenario, ...options } = this.flags;
    const stages: DemoStage[] = [];
    const close = async (failed: boolean): Promise<void> => {
      for (const stage of stages) await stage.close(failed);
    };
    const leave = (): void => void close(false).finally(() => process.exit(EXIT.partial));
    const ignoreSignals = onStopSignals({ stop: leave, detach: () => process.exit(EXIT.partial) });
    let result: DemoResult = {};
    let failed = true;
    try {
      for (const one of scenario === undefined ? SCENARIOS : [scenario]) {
        const say = (line: string): void => this.note(line);
        const onStage = (stage: DemoStage): void => void stages.push(stage);
        result = { ...result, ...(await playScenario(one, { ...options, say, onStage })) };
      }
      this.print(demoTable(result, this.textOptions.width));
      failed = !isWell(result) || stages.some(({ cluster }) => cluster.died.aborted);
      if (failed) this.exitWith(EXIT.failure);
      return factsOf(result);
    } finally {
      ignoreSignals();
      await close(failed);
    }
  }
}
