import * as Flags from "@oclif/core/flags";
import { BaseCommand } from "../../lib/cli/base.js";
import { topologyFlag } from "../../lib/cli/flags.js";

export default class DevUp extends BaseCommand<typeof DevUp> {
  static override summary =
    "Start an agent on this machine for every data node of a topology, and every access node that has one.";

  static override description = `The agents listen on free loopback ports and go on after this command. DIR/topology.yaml is the
topology with their URLs; use it with every other command. The same command again starts what died, on the same ports and data.`;

  static override examples = [
    "<%= config.bin %> dev up -t topology.yaml --dir .ops-dev",
    "<%= config.bin %> shard plan -t .ops-dev/topology.yaml -o plan.json",
  ];

  static override flags = {
    topology: topologyFlag,
    dir: Flags.string({ description: "folder for the agents", helpValue: "DIR", required: true }),
  };

  async run(): Promise<object> {
    const { bringUp } = await import("../../lib/demo/bring-up.js");
    const { loadTopology } = await import("../../lib/topology/load.js");
    const { topology, dir } = this.flags;
    const { text } = await loadTopology(topology);
    const up = await bringUp({
      topologyText: text,
      topologyPath: topology,
      dir,
      dieWithParent: false,
      onAgent: (node, how) =>
        this.note(how === "running" ? `${node} is already up` : `${node} ${how}`),
    });
    const width = Math.max(...up.agents.map(({ node }) => node.length));
    for (const { node, url } of up.agents) this.print(`${node.padEnd(width)}  ${url}`);
    if (up.others.length > 0)
      this.note(`not in this topology, left as they are: ${up.others.join(", ")}`);
    this.note(
      `Topology with these URLs: ${up.topologyFile}\nStop them with: ops dev down --dir ${dir}`,
    );
    return { v: 1, topology: up.topologyFile, agents: up.agents, others: up.others };
  }
}
