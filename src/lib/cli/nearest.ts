import { editDistance } from "../edit-distance.js";
import { EXIT, OpsError } from "../errors.js";

/** Further away than this it is another word, not a typing error. */
function tolerance(word: string): number {
  return Math.min(3, Math.ceil(word.length / 3));
}

/** For a command that does not exist; names the one probably meant. Ids as in oclif: `run:show`. */
export function unknownCommand(id: string, known: readonly string[]): OpsError {
  const asked = id.replaceAll(":", " ");
  if (asked.startsWith("-")) {
    return new OpsError("unknown-command", EXIT.usage, `"${asked}" comes before any command`, {
      hint: "write the command first: ops COMMAND [FLAGS]",
    });
  }
  const near = nearest(
    asked,
    known.map((other) => other.replaceAll(":", " ")),
  );
  return new OpsError("unknown-command", EXIT.usage, `there is no command "ops ${asked}"`, {
    hint: near === undefined ? "ops --help lists the commands" : `did you mean "ops ${near}"?`,
  });
}

/** What follows the command may be its arguments: as many words count as the candidate has. */
function nearest(asked: string, candidates: readonly string[]): string | undefined {
  const words = asked.split(" ");
  let best: string | undefined;
  let least = Infinity;
  for (const candidate of candidates) {
    const length = candidate.split(" ").length;
    const d = editDistance(words.slice(0, length).join(" "), candidate);
    if (d <= tolerance(candidate) && d < least) [best, least] = [candidate, d];
  }
  return best;
}
