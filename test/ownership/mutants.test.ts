import { describe, expect, test } from "vitest";
import { explore } from "./model/explore.js";
import { MUTANTS } from "./mutants.js";

/** Each breaks one clause of the protocol, of the agent's contract, or of the copy's rules. */
describe("the explorer catches", () => {
  for (const mutant of MUTANTS) {
    test(mutant.name, { timeout: 120_000 }, () => {
      const { violation } = explore(mutant.broken(), 500_000);
      expect(violation, "nothing wrong was found").not.toBeNull();
      const { kind, trace } = violation!;
      console.log(`${mutant.name}: ${kind} in ${trace.length} steps, the last: ${trace.at(-1)!}`);
      expect(mutant.harm, trace.join("\n")).toContain(kind);
      expect(trace.length).toBeLessThan(30);
    });
  }
});
