import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";
import { BaseCommand } from "../../lib/cli/base.js";
import { EXIT } from "../../lib/errors.js";

export default class TopologyDiff extends BaseCommand<typeof TopologyDiff> {
  static override summary = "Show what differs between two topologies.";

  static override description =
    "Compares what the files mean: order, comments and ways to write a number are no difference.";

  static override examples = [
    "<%= config.bin %> topology diff topology.yaml expanded.yaml",
    "<%= config.bin %> topology diff old.yaml new.yaml --detailed-exitcode",
  ];

  static override args = {
    before: Args.string({ description: "a topology", required: true }),
    after: Args.string({ description: "another one", required: true }),
  };

  static override flags = {
    "detailed-exitcode": Flags.boolean({ description: "end with 2 if there are differences" }),
  };

  async run(): Promise<object> {
    const { loadTopology } = await import("../../lib/topology/load.js");
    const { diffTopologies } = await import("../../lib/topology/diff.js");
    const { renderTopologyDiff } = await import("../../lib/report/topology-diff.js");
    const before = await loadTopology(this.args.before);
    const after = await loadTopology(this.args.after);
    const changes = diffTopologies(before.topology, after.topology);
    this.print(renderTopologyDiff(changes, after.topology));
    if (this.flags["detailed-exitcode"] && changes.length > 0) this.exitWith(EXIT.changes);
    return { v: 1, changes };
  }
}
