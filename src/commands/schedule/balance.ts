import { BalanceCommand, balanceFlags } from "../../lib/console/balance-command.js";

export default class ScheduleBalance extends BalanceCommand<typeof ScheduleBalance> {
  static override summary =
    "Move users to where they are better off, a few of them, under capacity.";

  static override description = `One round: of the users online at most --most belong elsewhere from then on, those for whom it gains the most, and those of
them who are connected are told to log in there, with the sites that get them watched. What gains too little is left as
it is. The first time it makes the policy, from the topology's demand. --every goes on round after round, until Ctrl-C.`;

  static override examples = [
    "<%= config.bin %> schedule balance -t topology.yaml --quality quality.yaml --reason 'first policy'",
    "<%= config.bin %> schedule balance -t topology.yaml --quality live --every 60s --yes --reason 'by quality'",
  ];

  static override flags = balanceFlags;

  async run(): Promise<object> {
    return this.balance();
  }
}
