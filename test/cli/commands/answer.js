import { Args, Flags } from "@oclif/core";
import { BaseCommand } from "../lib/cli/base.js";

export default class Answer extends BaseCommand {
  static args = { name: Args.string({ required: true }) };
  static flags = {
    times: Flags.integer({ required: true }),
    size: Flags.string({ options: ["s"] }),
  };

  async run() {
    this.print(`hello ${this.args.name}`);
    this.note("a note");
    return { name: this.args.name, times: this.flags.times, position: 2n ** 64n - 1n };
  }
}
