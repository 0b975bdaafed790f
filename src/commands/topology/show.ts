import * as Args from "@oclif/core/args";
import { BaseCommand } from "../../lib/cli/base.js";

export default class TopologyShow extends BaseCommand<typeof TopologyShow> {
  static override summary = "Draw a map of a topology.";

  static override description = `Regions, idcs and sets with their capacity, what each data node holds (* where it takes the writes), and for each keyspace
a bar that shows which part of the domain a shard owns.`;

  static override examples = ["<%= config.bin %> topology show topology.yaml"];

  static override args = { file: Args.string({ description: "a topology", required: true }) };

  async run(): Promise<object> {
    const { loadTopology } = await import("../../lib/topology/load.js");
    const { renderTopologyMap } = await import("../../lib/report/topology-map.js");
    const { topology } = await loadTopology(this.args.file);
    this.print(renderTopologyMap(topology));
    return { v: 1, topology };
  }
}
