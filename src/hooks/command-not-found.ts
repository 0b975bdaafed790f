import type { Hook } from "@oclif/core";
import { unknownCommand } from "../lib/cli/nearest.js";

const hook: Hook<"command_not_found"> = ({ config, id }) => {
  throw unknownCommand(id, config.commandIDs);
};

export default hook;
