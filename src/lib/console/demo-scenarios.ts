import type { DemoResult } from "../demo/facts.js";
import { isWell } from "../demo/facts.js";
import { evacuationSetting, expansionSetting } from "../demo/settings.js";
import { type DemoStage, openStage, type Setting } from "../demo/stage.js";
import { playEvacuation } from "../demo/evacuation.js";
import { playExpansion } from "../demo/expansion.js";
import { demoTopologies } from "../demo/topologies.js";
import { demoControl } from "./demo-control.js";
import { demoUserControl } from "./demo-user-control.js";

export const SCENARIOS = ["expand", "evacuate"] as const;
export type Scenario = (typeof SCENARIOS)[number];

export interface Playing {
  readonly keep: boolean;
  /** Whose data is moved. */
  readonly users: number;
  /** Users who are connected. */
  readonly sessions: number;
  readonly say: (line: string) => void;
  /** Told before it begins. Whoever keeps it closes it. */
  readonly onStage: (stage: DemoStage) => void;
}

/** Plays a scenario on agents of its own. */
export function playScenario(scenario: Scenario, playing: Playing): Promise<DemoResult> {
  return scenario === "expand" ? expand(playing) : evacuate(playing);
}

async function expand(playing: Playing): Promise<DemoResult> {
  const { users, say } = playing;
  const topologies = await demoTopologies();
  return onStage(expansionSetting(topologies), playing, async ({ cluster, state }) => ({
    expansion: await playExpansion({
      cluster,
      topologies,
      control: (listener) => demoControl(state, listener, cluster.died),
      users,
      random: Math.random,
      say,
    }),
  }));
}

async function evacuate(playing: Playing): Promise<DemoResult> {
  const { sessions, say } = playing;
  return onStage(await evacuationSetting(sessions), playing, async (stage) => ({
    evacuation: await playEvacuation({
      cluster: stage.cluster,
      topologyText: stage.topologyText,
      control: (tell) => demoUserControl(stage, tell, stage.cluster.died),
      sessions,
      random: Math.random,
      say,
    }),
  }));
}

async function onStage(
  setting: Setting,
  playing: Playing,
  play: (stage: DemoStage) => Promise<DemoResult>,
): Promise<DemoResult> {
  const stage = await openStage(setting, playing);
  playing.onStage(stage);
  let failed = true;
  try {
    const result = await play(stage);
    failed = !isWell(result);
    return result;
  } finally {
    if (!playing.keep) await stage.close(failed);
  }
}
