import { BaseCommand } from "../../lib/cli/base.js";
import { stateFlag, topologyFlag, verboseFlag } from "../../lib/cli/flags.js";
import { EXIT } from "../../lib/errors.js";

export default class TopologyDrift extends BaseCommand<typeof TopologyDrift> {
  static override summary = "Say where the live agents differ from a topology, and what mends it.";

  static override description = `Compares who holds what, the routes and the copies with the file, and with the last run in the state folder.
Changes nothing. Ends with 4 if there is a difference; without one with 6 if some agents do not answer; with 9 if none does.`;

  static override examples = [
    "<%= config.bin %> topology drift -t topology.yaml",
    "<%= config.bin %> topology drift -t topology.yaml --json",
  ];

  static override flags = {
    topology: topologyFlag,
    verbose: verboseFlag,
    state: stateFlag,
  };

  async run(): Promise<object> {
    const { loadTopology } = await import("../../lib/topology/load.js");
    const { FileStateStore } = await import("../../lib/state/file/store.js");
    const { connectAgents } = await import("../../lib/run/agents.js");
    const { lookAround } = await import("../../lib/run/drift/look.js");
    const { driftOf } = await import("../../lib/run/drift/compare.js");
    const { driftText } = await import("../../lib/report/drift.js");
    const { topology: file, state } = this.flags;
    const { topology } = await loadTopology(file);
    const seen = await lookAround(topology, file, new FileStateStore(state), connectAgents);
    const drift = driftOf(seen);
    const agents = seen.answers.length + seen.strangers.length + seen.silent.length;
    this.print(driftText(drift, agents, this.textOptions));
    const isDeaf = seen.answers.length === 0;
    if (isDeaf && seen.silent.length > 0) this.exitWith(EXIT.unreachable);
    else if (drift.differences.length > 0) this.exitWith(EXIT.stale);
    else if (drift.unknown.length > 0) this.exitWith(EXIT.partial);
    return { v: 1, ...drift };
  }
}
