import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { EXIT, OpsError } from "../errors.js";
import { OPS } from "./agent-process.js";
import { type BringUpOptions, bringUp } from "./bring-up.js";
import type { Cluster } from "./cluster.js";
import { durationText } from "../figures.js";

/** What a scenario needs around it. */
export interface Setting {
  readonly agents: Pick<BringUpOptions, "topologyText" | "topologyPath" | "heartbeatMs">;
  /** Where a cluster that is kept lives. */
  readonly kept: string;
  /** What can be typed with the cluster that is kept, line by line. May write into its folder. */
  readonly playOn: (cluster: Cluster, folder: string) => Promise<readonly string[]>;
}

/** Where a demo takes place. */
export interface DemoStage {
  readonly cluster: Cluster;
  /** With the URLs of the agents. */
  readonly topologyText: string;
  /** Folder for the control plane's state. */
  readonly state: string;
  /**
   * Tells of agents that died. Stops the agents and removes everything, unless one died or something `failed`: what is needed to
   * see why stays then. A kept stage stays up, and how to use it is told. May be called twice.
   */
  close(failed: boolean): Promise<void>;
}

export interface StageOptions {
  readonly keep: boolean;
  readonly say: (line: string) => void;
}

/** Starts the demo's agents. Throws OpsError `demo-kept` while an earlier one is kept. */
export async function openStage(setting: Setting, { keep, say }: StageOptions): Promise<DemoStage> {
  const { kept } = setting;
  const dir = keep ? resolve(kept) : await mkdtemp(join(tmpdir(), "ops-demo-"));
  if (keep && existsSync(dir)) {
    throw new OpsError(
      "demo-kept",
      EXIT.refused,
      `${dir} is there already: an earlier demo was kept`,
      {
        hint: toEnd(kept),
      },
    );
  }
  const start = performance.now();
  const { cluster, agents, topologyText } = await bringUp({
    ...setting.agents,
    dir,
    dieWithParent: !keep,
  });
  say(
    `${agents.length} agents of three regions are up after ${durationText(performance.now() - start)}`,
  );
  let closed: Promise<void> | null = null;
  return {
    cluster,
    topologyText,
    state: join(dir, "state"),
    close(failed) {
      closed ??= keep ? leave(cluster, setting, say) : clear(cluster, failed, say);
      return closed;
    },
  };
}

/** What the work comes to. Where it fails and an agent has died by itself, that is the reason that is given. */
export async function unlessDied<T>({ deaths }: Cluster, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const [death] = deaths;
    if (death === undefined) throw error;
    const { node, how } = death;
    throw new OpsError("agent-died", EXIT.failure, `the agent of ${node} died: ${how}`, {
      hint: "its log says why; this is a bug in ops, or the machine ran out of something",
      cause: error,
    });
  }
}

async function clear(cluster: Cluster, failed: boolean, say: StageOptions["say"]): Promise<void> {
  await cluster.stop(3_000);
  tellDeaths(cluster, say);
  if (failed || cluster.deaths.length > 0)
    say(`Data and logs of the agents, and the state of the runs, are kept in ${cluster.dir}`);
  else await rm(cluster.dir, { recursive: true, force: true });
}

function tellDeaths({ deaths }: Cluster, say: StageOptions["say"]): void {
  for (const { node, how, log, said } of deaths)
    say(`The agent of ${node} died: ${how}. The end of ${log}:\n${said.replaceAll(/^/gm, "  ")}`);
}

async function leave(
  cluster: Cluster,
  { kept, playOn }: Setting,
  say: StageOptions["say"],
): Promise<void> {
  tellDeaths(cluster, say);
  const commands = [
    `cd ${inShell(process.cwd())}`,
    `ops() { ${inShell(OPS)} "$@"; }`,
    `export OPS_STATE=${kept}/state`,
    ...(await playOn(cluster, kept)),
  ];
  say(`
The cluster stays up. To play on:
${commands.map((line) => `  ${line}`).join("\n")}
To end it: ${toEnd(kept)}`);
}

function toEnd(kept: string): string {
  return `ops dev down --dir ${kept} && rm -r ${kept}`;
}

/** As one word of a command line. */
function inShell(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
