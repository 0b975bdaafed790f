import { Args } from "@oclif/core";
import { BaseCommand } from "../../lib/cli/base.js";
import { EXIT } from "../../lib/errors.js";

export default class TopologyCheck extends BaseCommand<typeof TopologyCheck> {
  static override summary = "Find everything that is wrong with topologies.";

  static override description = `Every problem is listed with its place in the file, its rule and what to do about it. Ends with 3 if there is an error in
any file; warnings alone are no failure.`;

  static override examples = [
    "<%= config.bin %> topology check topology.yaml",
    "<%= config.bin %> topology check regions/*.yaml --json",
  ];

  static override args = {
    file: Args.string({
      description: "a topology; several may be given",
      required: true,
      multiple: true,
    }),
  };

  async run(): Promise<object> {
    const { checkTopologyFile } = await import("../../lib/topology/load.js");
    const { renderTopologyCheck } = await import("../../lib/report/topology-check.js");
    const files = [];
    for (const file of this.args.file) {
      const { topology, problems } = await checkTopologyFile(file);
      files.push({ file, ok: topology !== null, problems });
      this.print(renderTopologyCheck(file, topology, problems));
    }
    const ok = files.every((file) => file.ok);
    if (!ok) this.exitWith(EXIT.refused);
    return { v: 1, ok, files };
  }
}
