import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";
import { BaseCommand } from "../../lib/cli/base.js";
import { EXIT, OpsError } from "../../lib/errors.js";

export default class TopologyCheck extends BaseCommand<typeof TopologyCheck> {
  static override summary = "Find everything that is wrong with topologies.";

  static override description = `Every problem is listed with its place in the file, its rule and what to do about it. Ends with 3 if there is an error in
any file, with 64 if a file is not there; warnings alone are no failure. What policy.rules changes is listed too.`;

  static override examples = [
    "<%= config.bin %> topology check topology.yaml",
    "<%= config.bin %> topology check regions/*.yaml --json",
    "<%= config.bin %> topology check --explain region-loss",
  ];

  static override args = {
    file: Args.string({ description: "a topology; several may be given", multiple: true }),
  };

  static override flags = {
    explain: Flags.string({
      description: "say what a rule checks, why, and how to mend what it finds",
      helpValue: "RULE",
    }),
  };

  async run(): Promise<object> {
    const { explain } = this.flags;
    const files = this.args.file ?? [];
    if (files.length > 0 === (explain !== undefined)) {
      throw new OpsError("usage", EXIT.usage, "give either files or --explain RULE", {
        hint: "ops topology check topology.yaml",
      });
    }
    return explain === undefined ? this.check(files) : this.explain(explain);
  }

  private async check(files: readonly string[]): Promise<object> {
    const { checkTopologyFile } = await import("../../lib/topology/load.js");
    const { UNREADABLE_FILE } = await import("../../lib/topology/rules/file-rules.js");
    const { uncheckedParts } = await import("../../lib/topology/capacity/unchecked.js");
    const { renderTopologyCheck } = await import("../../lib/report/topology-check.js");
    const checked = [];
    for (const file of files) {
      const { topology, problems } = await checkTopologyFile(file);
      const exceptions = topology?.policy.rules ?? [];
      const unchecked = topology ? uncheckedParts(topology) : [];
      const ok = problems.every(({ severity }) => severity !== "error");
      checked.push({ file, ok, problems, exceptions, unchecked });
      this.print(renderTopologyCheck(file, topology, problems));
    }
    const ok = checked.every((file) => file.ok);
    const isMissing = checked.some(({ problems }) =>
      problems.some(({ rule }) => rule === UNREADABLE_FILE),
    );
    if (!ok) this.exitWith(isMissing ? EXIT.usage : EXIT.refused);
    return { v: 1, ok, files: checked };
  }

  private async explain(name: string): Promise<object> {
    const { findRule } = await import("../../lib/topology/rules/registry.js");
    const { ruleText } = await import("../../lib/report/rule-text.js");
    const rule = findRule(name);
    this.print(ruleText(rule));
    const { id, severity, adjustable, checks, why, mend, example } = rule;
    return { v: 1, rule: { id, severity, adjustable, checks, why, mend, example } };
  }
}
