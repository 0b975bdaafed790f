import type { Step, StepKind } from "../../plan/types.js";
import { adopt } from "./adopt.js";
import { discard } from "./discard.js";
import { domain } from "./domain.js";
import { drop } from "./drop.js";
import { gate } from "./gate.js";
import type { StepHandler } from "./handler.js";
import { init } from "./init.js";
import { link } from "./link.js";
import { preflight } from "./preflight.js";
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
};

export function handlerOf<S extends Step>(step: S): StepHandler<S> {
  return HANDLERS[step.kind] as unknown as StepHandler<S>;
}
