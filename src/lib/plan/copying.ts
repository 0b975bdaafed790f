import type { Task } from "./draft.js";
import { copyingSeconds } from "./estimate.js";
import { copyWorks } from "./stages/attach.js";
import type { Copying, PlanLimits, ShardStage } from "./types.js";
import { bound } from "./waves/bound.js";
import { lineBetween } from "./waves/copies.js";

/** What the waves are made for. Of the lines those that something is copied over. */
export function limitsOf(task: Task): PlanLimits {
  const { network, topology } = task;
  const { policy } = topology;
  const used = new Set(copyWorks(task).map(({ copy }) => lineBetween(copy, network.nodes)));
  const lines = [...network.lines].filter(([line]) => used.has(line));
  return {
    perNode: policy.concurrency.perNode,
    total: policy.concurrency.total,
    ...(lines.length === 0 ? {} : { lines: Object.fromEntries(lines) }),
    ...(policy.blastRadius === "set" ? { blastRadius: policy.blastRadius } : {}),
  };
}

/** Null where nothing is copied, or it is not known how much. */
export function copyingOf(task: Task, stages: readonly ShardStage[]): Copying | null {
  const works = copyWorks(task);
  if (works.every(({ seconds }) => seconds === 0)) return null;
  const waves = stages.flatMap((stage) => (stage.kind === "attach" ? stage.waves : []));
  const least = bound(works, task.topology.policy.concurrency);
  return {
    seconds: inMs(waves.reduce((sum, wave) => sum + copyingSeconds(wave, task.network.nodes), 0)),
    boundSeconds: inMs(least.seconds),
    because: least.because,
  };
}

function inMs(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}
