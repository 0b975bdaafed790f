import { createInterface } from "node:readline/promises";
import { EXIT, OpsError } from "../errors.js";
import { interactive } from "./terminal.js";

/**
 * Asks on stderr; only `y` or `yes` means yes, end of input means no. Does not ask with `yes`.
 * @throws OpsError `declined` on a no, `confirmation-needed` where there is nobody to ask
 */
export async function confirm(question: string, options: { yes: boolean }): Promise<void> {
  if (options.yes) return;
  if (!canAsk()) {
    throw new OpsError(
      "confirmation-needed",
      EXIT.usage,
      `${question} There is no terminal to ask on.`,
      {
        hint: "pass --yes to confirm",
      },
    );
  }
  if (/^y(es)?$/i.test(await answerTo(`${question} [y/N] `))) return;
  throw new OpsError("declined", EXIT.failure, "Not confirmed; nothing was changed.");
}

/** Whether a person types the name, which is asked for on stderr. False where there is nobody to ask. */
export async function typed(what: string, name: string): Promise<boolean> {
  return canAsk() && (await answerTo(`${what} Type ${name} to confirm: `)) === name;
}

function canAsk(): boolean {
  return interactive(process.stdin) && interactive(process.stderr);
}

/** Empty at the end of input. */
async function answerTo(question: string): Promise<string> {
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  const ended = new AbortController();
  prompt.once("close", () => ended.abort());
  try {
    return (await prompt.question(question, { signal: ended.signal })).trim();
  } catch (error) {
    if (ended.signal.aborted) return "";
    throw error;
  } finally {
    prompt.close();
  }
}
