import * as Flags from "@oclif/core/flags";
import { BaseCommand } from "../../lib/cli/base.js";
import { topologyFlag, verboseFlag } from "../../lib/cli/flags.js";

export default class ShardExpand extends BaseCommand<typeof ShardExpand> {
  static override summary = "Write a topology with more shards, the load spread over all.";

  static override description = `Asks the agents where the data lies and where it is used, and gives the new
shards the pieces that level the load: the lowest maximum load of a shard, then
the fewest bytes, then the fewest segments. Says how near each is to a bound.
Only the file changes, with its comments and order kept: review it, then shard
plan. Prints the YAML without -o or --write.`;

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
    tolerance: Flags.string({
      description: "how far the maximum load may lie above the lowest possible, for fewer bytes",
      helpValue: "PERCENT",
      default: "1%",
    }),
    "bytes-tolerance": Flags.string({
      description: "how far the bytes may lie above the fewest, for fewer segments",
      helpValue: "PERCENT",
      default: "10%",
    }),
    out: Flags.string({
      char: "o",
      description: "write the topology here",
      helpValue: "FILE",
      exclusive: ["write"],
    }),
    write: Flags.boolean({ description: "change the topology file in place", default: false }),
    verbose: verboseFlag,
  };

  async run(): Promise<object> {
    const { loadTopology } = await import("../../lib/topology/load.js");
    const { expandable, expandTopology, parseAddition, parseTolerance } =
      await import("../../lib/plan/expand.js");
    const { expandFacts, expandText } = await import("../../lib/report/plan-expand.js");
    const { topology: file, keyspace: id, add, out, write } = this.flags;
    const additions = add.map(parseAddition);
    const tolerances = {
      tolerance: parseTolerance("--tolerance", this.flags.tolerance),
      bytesTolerance: parseTolerance("--bytes-tolerance", this.flags["bytes-tolerance"]),
    };
    const { topology, text } = await loadTopology(file);
    const keyspace = expandable(topology, id, additions);
    const { measureLoad } = await import("../../lib/run/measure-load.js");
    const load = await measureLoad(topology, keyspace);
    const expansion = expandTopology({ topology, text, file }, id, additions, load, tolerances);
    this.note(expandText(id, expansion, this.textOptions));
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
      keyspace: id,
      file: target ?? null,
      ...tolerances,
      ...expandFacts(expansion),
      topology: expansion.text,
    };
  }
}
