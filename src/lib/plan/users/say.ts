import { countText, durationText } from "../../figures.js";
import type { Said } from "../said.js";
import type { PolicyPart, PolicyStep, UserStep } from "./types.js";
import type { UserFilter } from "../../policy/filter.js";

/** What a step of a plan for users does, in words: see `Said`. */
export function sayUserStep(step: UserStep): Said {
  return said(step, textOf(step, false), textOf(step, true));
}

/** What taking it back does; null when nothing has to be done. */
export function sayUserUndo(step: UserStep): Said | null {
  if (step.kind === "policy") {
    const text = policyText({ ...step, before: step.after, after: step.before });
    return said(step, text, text);
  }
  if (step.kind !== "recall") return null;
  const who = step.home === null ? "who belong elsewhere" : `who belong to ${step.home}`;
  const of = (where: string) =>
    `tell ${whomText(step.filter)} of ${where} ${who} to log in there, ${rateText(step.perSecond)}`;
  return said(step, of(step.node), of("gateways"));
}

function said(step: UserStep, what: string, like: string): Said {
  const items = itemsOf(step);
  return { what, like, items, keyspace: null, bytes: 0n };
}

function itemsOf(step: UserStep): string[] {
  if (step.kind === "relogin")
    return [`${step.node} ${step.sessions === null ? "the rest" : countText(step.sessions)}`];
  return "node" in step ? [step.node] : [];
}

function textOf(step: UserStep, isLike: boolean): string {
  switch (step.kind) {
    case "reach":
      return `see that ${isLike ? "access agents" : step.node} answer${isLike ? "" : "s"}`;
    case "policy":
      return policyText(step);
    case "relogin": {
      const { node, filter, sessions, perSecond } = step;
      const many = sessions === null ? "all that are left" : `${countText(sessions)} at most`;
      return isLike
        ? `tell ${whomText(filter)} of gateways to log in elsewhere`
        : `tell ${whomText(filter)} of ${node} to log in elsewhere: ${many}, ${rateText(perSecond)}`;
    }
    case "recall": {
      const home = step.home === null ? "" : ` to ${step.home}`;
      return `nothing now: the way back${home} for the users of ${isLike ? "gateways" : step.node}`;
    }
    case "disconnect": {
      return isLike
        ? `close the connections of ${whomText(step.filter)} of gateways`
        : `close the connections of ${whomText(step.filter)} of ${step.node}, ${rateText(step.perSecond)}`;
    }
    case "empty":
      return `see that no ${whomText(step.filter)} are left at ${isLike ? "gateways" : step.node}; who has come since is told as well`;
    case "receivers":
      return `watch the logins of ${step.receivers.map(({ site }) => site).join(", ")} for ${durationText(step.gates.windowSeconds * 1000)}${step.gates.maxOnline === null ? ", however many users they have" : ""}`;
    case "ramp":
      return `wait until logins are sent to ${step.site} again as before, for about ${durationText(step.seconds * 1000)}`;
  }
}

function policyText({ before, after }: Pick<PolicyStep, "before" | "after">): string {
  const parts = [
    ...entriesText(before, after),
    ...(after.classes === null ? [] : ["other fractions"]),
    ...(after.sites === null ? [] : ["other addresses of sites"]),
  ];
  return `publish the policy: ${parts.join(", ")}`;
}

function entriesText(before: PolicyPart, after: PolicyPart): string[] {
  const ended = before.entries.filter(({ id }) => !after.entries.some((one) => one.id === id));
  return [
    ...after.entries.map(({ id, site, mode, since, expires, ...filter }) => {
      const known = before.entries.find((one) => one.id === id);
      if (known !== undefined && expires < known.expires) return `end the ${mode} of ${site}`;
      return `${mode} ${site} for ${whomText(filter)}, for ${durationText(expires - since)}`;
    }),
    ...ended.map(({ site, mode }) => `no ${mode} of ${site} any more`),
  ];
}

function rateText(perSecond: number | null): string {
  return perSecond === null ? "all at once" : `${countText(perSecond)} a second`;
}

/** `users`, `users of telecom in guangdong on port 443` */
export function whomText({ carrier, province, port }: UserFilter): string {
  return [
    "users",
    ...(carrier === null ? [] : [`of ${carrier}`]),
    ...(province === null ? [] : [`in ${province}`]),
    ...(port === null ? [] : [`on port ${port}`]),
  ].join(" ");
}
