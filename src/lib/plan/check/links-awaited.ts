import { subtract } from "../../keyspace/map.js";
import type { Check } from "./finding.js";

/** A wave of copies is waited for by the next one: else the limits on copies mean nothing. */
export const linksAwaited: Check = {
  rule: "links-awaited",
  find: ({ stages }) =>
    stages.flatMap((stage) =>
      stage.waves.flatMap((wave, i) =>
        wave
          .filter((step) => step.kind === "link")
          .filter(
            (link) =>
              !stage.waves[i + 1]?.some(
                (step) =>
                  step.kind === "sync" &&
                  step.node === link.node &&
                  step.keyspace === link.keyspace &&
                  subtract(link.segments, step.segments).length === 0,
              ),
          )
          .map((link) => ({
            message: `nothing waits for the copy on ${link.node} in the next wave`,
            step: link.id,
          })),
      ),
    ),
};
