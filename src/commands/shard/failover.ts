import * as Flags from "@oclif/core/flags";
import { BaseCommand } from "../../lib/cli/base.js";
import { topologyFlag } from "../../lib/cli/flags.js";

const LEAVING = ["shard", "node", "idc", "region"];

export default class ShardFailover extends BaseCommand<typeof ShardFailover> {
  static override summary =
    "Write a topology in which primaries have left a shard's node, a node, an idc or a region.";

  static override description = `A replica elsewhere becomes the primary, the old primary a replica: the plan then moves only the writes, and copies
nothing. Takes the replica farthest away, then the one on the node with the least to do. Only the file changes, with its comments and
order kept: review it, then shard plan. Prints the YAML without -o or --write.`;

  static override examples = [
    "<%= config.bin %> shard failover -t topology.yaml --region sh --write",
    "<%= config.bin %> shard failover -t topology.yaml --shard profile/p0 --to sz-1-d1 -o new.yaml",
  ];

  static override flags = {
    topology: topologyFlag,
    shard: Flags.string({
      description: "this shard",
      helpValue: "KEYSPACE/SHARD",
      exactlyOne: LEAVING,
    }),
    node: Flags.string({
      description: "every shard with its primary on this node",
      helpValue: "NODE",
      exactlyOne: LEAVING,
    }),
    idc: Flags.string({ description: "... in this idc", helpValue: "IDC", exactlyOne: LEAVING }),
    region: Flags.string({
      description: "... in this region",
      helpValue: "REGION",
      exactlyOne: LEAVING,
    }),
    to: Flags.string({
      description: "only to replicas there; may be given several times",
      helpValue: "REGION|NODE",
      multiple: true,
      multipleNonGreedy: true,
      delimiter: ",",
    }),
    out: Flags.string({
      char: "o",
      description: "write the topology here",
      helpValue: "FILE",
      exclusive: ["write"],
    }),
    write: Flags.boolean({ description: "change the topology file in place", default: false }),
  };

  async run(): Promise<object> {
    const { loadTopology } = await import("../../lib/topology/load.js");
    const { failOver, leavingOf } = await import("../../lib/plan/failover.js");
    const { failoverText } = await import("../../lib/report/plan-failover.js");
    const { topology: file, out, write, to = [] } = this.flags;
    const { topology, text } = await loadTopology(file);
    const { moves, text: edited } = failOver({ topology, text, file }, leavingOf(this.flags), to);
    this.note(
      moves.length === 0 ? "No shard has its primary there." : failoverText(moves, { width: 80 }),
    );
    const target = write ? file : out;
    if (target === undefined) {
      this.print(edited.replace(/\n$/, ""));
    } else {
      const { writeOutput } = await import("../../lib/cli/write-output.js");
      await writeOutput(target, edited);
      this.note(`Written to ${target}. Next: ops shard plan -t ${target} -o plan.json`);
    }
    return { v: 1, file: target ?? null, moves, topology: edited };
  }
}
