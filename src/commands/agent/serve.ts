import * as Flags from "@oclif/core/flags";
import { BaseCommand } from "../../lib/cli/base.js";

export default class AgentServe extends BaseCommand<typeof AgentServe> {
  static override summary =
    "Serve one node: its data, or what logins ask, and what a control plane asks of it.";
  static override description =
    "Prints one line of JSON on stdout when it is ready, and logs to stderr. SIGTERM or Ctrl-C stops it.";
  static override flags = {
    config: Flags.string({ required: true, helpValue: "FILE", description: "The agent's YAML." }),
  };

  override async run(): Promise<object> {
    const { loadConfig } = await import("../../lib/agent/server/config.js");
    const config = await loadConfig(this.flags.config);
    const { startAgent } = await import("../../lib/agent/server/agent.js");
    const agent = await startAgent(config, {
      version: this.config.version,
      die: (error) => {
        process.stderr.write(
          `fatal: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
        );
        process.exit(1);
      },
    });
    const ready = {
      v: 1,
      type: "ready",
      node: config.node,
      role: config.role,
      url: agent.url,
      pid: process.pid,
    };
    process.stdout.write(`${JSON.stringify(ready)}\n`);
    await new Promise<void>((resolve) => {
      process.once("SIGTERM", resolve);
      process.once("SIGINT", resolve);
    });
    await agent.stop();
    return { node: config.node, stopped: true };
  }
}
