import { createInterface } from "node:readline/promises";
import { EXIT, OpsError } from "../errors.js";
import { interactive } from "./terminal.js";

/**
 * Asks on stderr; only `y` or `yes` means yes, end of input means no. Does not ask with `yes`.
 * @throws OpsError `declined` on a no, `confirmation-needed` where there is nobody to ask
 */
export async function confirm(question: string, options: { yes: boolean }): Promise<void> {
  if (options.yes) return;
  if (!interactive(process.stdin) || !interactive(process.stderr)) {
    throw new OpsError(
      "confirmation-needed",
      EXIT.usage,
      `${question} There is no terminal to ask on.`,
      {
        hint: "pass --yes to confirm",
      },
    );
  }
  if (await agreed(question)) return;
  throw new OpsError("declined", EXIT.failure, "Not confirmed; nothing was changed.");
}

async function agreed(question: string): Promise<boolean> {
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  const ended = new AbortController();
  prompt.once("close", () => ended.abort());
  try {
    const answer = await prompt.question(`${question} [y/N] `, { signal: ended.signal });
    return /^y(es)?$/i.test(answer.trim());
  } catch (error) {
    if (ended.signal.aborted) return false;
    throw error;
  } finally {
    prompt.close();
  }
}
