import { Flags } from "@oclif/core";
import { BaseCommand } from "../lib/cli/base.js";
import type { Control, ControlEvent } from "../lib/demo/control.js";
import { EXIT } from "../lib/errors.js";
import type { RunEvent } from "../lib/run/events.js";

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
    const { openStage } = await import("../lib/demo/stage.js");
    const { tellStory } = await import("../lib/demo/story.js");
    const { demoTable } = await import("../lib/report/demo.js");
    const { onStopSignals } = await import("../lib/cli/signals.js");
    const { keep, users } = this.flags;
    const say = (line: string): void => this.note(line);
    const stage = await openStage({ keep, say });
    const leave = (): void => void stage.close().finally(() => process.exit(EXIT.partial));
    const ignoreSignals = onStopSignals({ stop: leave, detach: () => process.exit(EXIT.partial) });
    try {
      const { cluster, topologies } = stage;
      const control = await liveControl(stage.state);
      const result = await tellStory({
        cluster,
        topologies,
        control,
        users,
        random: Math.random,
        say,
      });
      this.print(demoTable(result));
      const { facts } = result;
      if (facts.lost + facts.resurrected > 0 || facts.checked < facts.acked)
        this.exitWith(EXIT.failure);
      return facts;
    } finally {
      ignoreSignals();
      await stage.close();
    }
  }
}

/** The functions behind `shard plan|apply|verify|rollback|finalize`, with their state in a folder. */
async function liveControl(
  state: string,
): Promise<(listener: (event: ControlEvent) => void) => Control> {
  const { randomBytes } = await import("node:crypto");
  const { parseTopology } = await import("../lib/topology/parse.js");
  const { planShards } = await import("../lib/plan/planner.js");
  const { assertSound } = await import("../lib/plan/check/index.js");
  const { sha256 } = await import("../lib/plan/hash.js");
  const { connectAgents } = await import("../lib/run/agents.js");
  const { observe } = await import("../lib/run/observe.js");
  const { applyPlan } = await import("../lib/run/apply.js");
  const { rollbackRun } = await import("../lib/run/rollback.js");
  const { finalizeRun } = await import("../lib/run/finalize.js");
  const { verifyRun } = await import("../lib/run/verify-run.js");
  const { PATIENCE, neverStop, systemClock } = await import("../lib/run/clock.js");
  const { FileStateStore } = await import("../lib/state/file/store.js");
  const base = {
    store: new FileStateStore(state),
    connect: connectAgents,
    clock: systemClock,
    patience: PATIENCE,
    stop: neverStop,
    random: randomBytes,
    actor: "demo",
    command: "ops demo",
  };
  return (listener) => {
    const env = { ...base, emit: (event: RunEvent) => tell(event, listener) };
    return {
      async plan(text) {
        const topology = parseTopology(text, "topology.yaml");
        const createdAt = new Date().toISOString();
        const plan = planShards({
          topology,
          observed: await observe(topology),
          createdAt,
          topologyHash: sha256(text),
        });
        assertSound(plan);
        return {
          stages: plan.stages.map(({ id }) => id),
          steps: plan.stages.flatMap(({ waves }) => waves.flat()).length,
          apply: () => applyPlan(env, plan, { until: null }),
        };
      },
      async verify(run) {
        const copies = await verifyRun(env, run);
        const different = copies.find(({ difference }) => difference !== null);
        if (different)
          throw new Error(
            `${different.node} differs from ${different.source}: ${different.difference!}`,
          );
        return copies.reduce((sum, { rows }) => sum + (rows ?? 0), 0);
      },
      rollback: (run) => rollbackRun(env, run, { to: null }),
      finalize: (run) => finalizeRun(env, run, { early: false }),
    };
  };
}

function tell(event: RunEvent, listener: (event: ControlEvent) => void): void {
  if (event.type === "stage" && event.state === "entered")
    listener({ type: "stage", stage: event.stage });
  else if (event.type === "retry")
    listener({
      type: "trouble",
      message: `${event.node}: ${event.error.message}; again in ${event.inMs} ms`,
    });
  else if (event.type === "evidence" && event.about === "sync") {
    listener({
      type: "copied",
      rows: Number(event.facts["rows"]),
      seconds: Number(event.facts["seconds"]),
    });
  } else if (event.type === "evidence" && event.about === "takeover") {
    listener({
      type: "takeover",
      plannedMs: Number(event.facts["plannedMs"]),
      actualMs: Number(event.facts["actualMs"]),
    });
  }
}
