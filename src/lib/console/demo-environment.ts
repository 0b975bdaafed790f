import { randomBytes } from "node:crypto";
import { connectAgents } from "../run/agents.js";
import { type Patience, systemClock } from "../run/clock.js";
import type { Emit } from "../run/events.js";
import type { RunEnvironment } from "../run/session.js";
import { FileStateStore } from "../state/file/store.js";

/** What runs of a demo need, with their state in a folder, until `over`. */
export function demoEnvironment(
  state: string,
  patience: Patience,
  emit: Emit,
  over: AbortSignal,
): RunEnvironment {
  return {
    store: new FileStateStore(state),
    connect: connectAgents,
    clock: systemClock,
    patience,
    stop: { stopping: over, detached: over },
    random: randomBytes,
    actor: "demo",
    command: "ops demo",
    emit,
  };
}
