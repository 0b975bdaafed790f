import { Flags } from "@oclif/core";
import { BaseCommand } from "../../lib/cli/base.js";
import { topologyFlag } from "../../lib/cli/flags.js";

export default class ShardExpand extends BaseCommand<typeof ShardExpand> {
  static override summary = "Write a topology with more shards: the fullest ones are halved.";

  static override description = `Asks the agents where the data lies. Each new shard takes the upper half of the fullest shard. Only the file
changes, with its comments and order kept: review it, then shard plan. Prints the YAML without -o or --write.`;

  static override examples = [
    "<%= config.bin %> shard expand -t topology.yaml --keyspace profile --add p3=sh-2-d1,sz-2-d1 --write",
  ];

  static override flags = {
    topology: topologyFlag,
    keyspace: Flags.string({ description: "the keyspace", helpValue: "KEYSPACE", required: true }),
    add: Flags.string({
      description: "a new shard, its primary and its replicas; may be given several times",
      helpValue: "SHARD=NODE[,REPLICA...]",
      multiple: true,
      multipleNonGreedy: true,
      required: true,
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
    const { expandable, expandTopology, parseAddition } = await import("../../lib/plan/expand.js");
    const { expandText } = await import("../../lib/report/plan-expand.js");
    const { topology: file, keyspace, add, out, write } = this.flags;
    const additions = add.map(parseAddition);
    const { topology, text } = await loadTopology(file);
    expandable(topology, keyspace);
    const { histograms } = await import("../../lib/run/observe.js");
    const histogram = await histograms(topology, keyspace);
    const expansion = expandTopology({ topology, text, file }, keyspace, additions, histogram);
    this.note(expandText(keyspace, expansion.splits, this.textOptions));
    const target = write ? file : out;
    if (target === undefined) {
      this.print(expansion.text.replace(/\n$/, ""));
    } else {
      const { writeOutput } = await import("../../lib/cli/write-output.js");
      await writeOutput(target, expansion.text);
      this.note(`Written to ${target}. Next: ops shard plan -t ${target} -o plan.json`);
    }
    return {
      v: 1,
      keyspace,
      file: target ?? null,
      splits: expansion.splits,
      topology: expansion.text,
    };
  }
}
