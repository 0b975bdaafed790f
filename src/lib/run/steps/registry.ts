import type { Step, StepKind } from "../../plan/any.js";
import type { RunContext } from "../context.js";
import { adopt } from "./adopt.js";
import { discard } from "./discard.js";
import { domain } from "./domain.js";
import { drop } from "./drop.js";
import { gate } from "./gate.js";
import type { StepHandler } from "./handler.js";
import { init } from "./init.js";
import { link } from "./link.js";
import { preflight } from "./preflight.js";
import { disconnect } from "./users/disconnect.js";
import { empty } from "./users/empty.js";
import { policy } from "./users/policy.js";
import { ramp } from "./users/ramp.js";
import { reach } from "./users/reach.js";
import { receivers } from "./users/receivers.js";
import { recall, relogin } from "./users/relogin.js";
import { readers } from "./readers.js";
import { relabel } from "./relabel.js";
import { repoint } from "./repoint.js";
import { settings } from "./settings.js";
import { soak } from "./soak.js";
import { sync } from "./sync.js";
import { takeover } from "./takeover.js";
import { verify } from "./verify.js";

const HANDLERS: { readonly [K in StepKind]: StepHandler<Extract<Step, { kind: K }>> } = {
  preflight,
  adopt,
  init,
  link,
  sync,
  verify,
  repoint,
  domain,
  settings,
  relabel,
  readers,
  gate,
  takeover,
  soak,
  drop,
  discard,
  reach,
  policy,
  relogin,
  recall,
  disconnect,
  empty,
  receivers,
  ramp,
};

interface AnyHandler {
  apply(context: RunContext, step: Step): Promise<void>;
  readonly undo: ((context: RunContext, step: Step) => Promise<void>) | null;
}

/** A plan has steps of its own family only, so the handler gets the context that it needs. */
export function handlerOf(step: Step): AnyHandler {
  return HANDLERS[step.kind] as unknown as AnyHandler;
}
