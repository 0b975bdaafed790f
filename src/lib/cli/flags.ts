import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";

/** Where locks, routes and journals live. */
export const stateFlag = Flags.string({
  description: "folder with locks, routes and journals",
  env: "OPS_STATE",
  default: ".ops",
  helpValue: "DIR",
});

export const yesFlag = Flags.boolean({
  description: "do not ask for confirmation",
  default: false,
});

export const topologyFlag = Flags.string({
  char: "t",
  description: "the topology",
  helpValue: "FILE",
  required: true,
});

export const dryRunFlag = Flags.boolean({
  description: "show the steps and change nothing",
  default: false,
});

export const verboseFlag = Flags.boolean({
  description: "every step and segment by itself, also of those that say the same",
  default: false,
});

export const runArg = Args.string({ description: "id of the run (ops run list)", required: true });

export const planArg = Args.string({
  description: "file that shard plan -o wrote",
  required: true,
});
