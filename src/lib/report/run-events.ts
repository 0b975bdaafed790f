import type { RunEvent } from "../run/events.js";
import { ageText } from "../figures.js";

/** An event as one line for people that stays on the screen; null for those that are only told to programs. */
export function eventLine(
  event: RunEvent,
): { readonly text: string; readonly warns: boolean } | null {
  switch (event.type) {
    case "run":
      return said(`${event.doing} ${event.run}`);
    case "stage":
      return event.state === "done" || event.state === "undone"
        ? said(`stage ${event.stage}: ${event.title}: ${event.state}`)
        : null;
    case "step":
      return event.state === "begun"
        ? null
        : said(`  ${event.step} ${event.state === "undone" ? "undone: " : ""}${event.what}`);
    case "evidence":
      if (event.about === "gate" && event.facts["quiet"] === true) {
        const { node } = event.facts;
        return warned(
          `${event.step} too few reads on ${typeof node === "string" ? node : "the new copy"} in ${figure(event.facts["seconds"])} s: they say nothing about it`,
        );
      }
      return event.about === "takeover"
        ? said(
            `  ${event.step} writes paused ${figure(event.facts["actualMs"])} ms (planned ${figure(event.facts["plannedMs"])} ms)`,
          )
        : null;
    case "routes": {
      const { keyspace, version, missing } = event;
      return missing.length === 0
        ? null
        : warned(
            `version ${version} of the routes of ${keyspace} is not acknowledged by ${missing.join(", ")}; redirects keep their clients right`,
          );
    }
    case "retry":
      return warned(`${event.error.message}; again in ${ageText(event.inMs)}`);
    case "note":
      return warned(event.message);
    case "soaking":
      return said(`soaking until ${event.until}; nothing old is dropped before it is finalized`);
    case "ended":
      return said(event.outcome);
    case "progress":
    case "stopped":
      return null;
  }
}

function said(text: string) {
  return { text, warns: false };
}

function warned(text: string) {
  return { text, warns: true };
}

function figure(value: unknown): string {
  const number = Number(value);
  return Number.isFinite(number) ? String(Math.round(number * 10) / 10) : "?";
}
