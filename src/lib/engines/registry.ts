import { EXIT, OpsError } from "../errors.js";
import type { Engine, EngineOptions } from "./contract.js";

type Open = (directory: string, options: EngineOptions) => Promise<Engine>;

/** One line an engine. A driver and its client library are loaded only when it is used. */
const ENGINES: Readonly<Record<string, () => Promise<Open>>> = {
  embedded: async () => (await import("./embedded/engine.js")).openEmbedded,
};

/** Opens, or creates, the store in the directory. Throws `engine-unknown`, and `engine-busy` when another process has it open. */
export async function openEngine(
  kind: string,
  directory: string,
  options: EngineOptions,
): Promise<Engine> {
  const load = Object.hasOwn(ENGINES, kind) ? ENGINES[kind] : undefined;
  if (load === undefined) {
    throw new OpsError("engine-unknown", EXIT.refused, `there is no engine called "${kind}"`, {
      hint: `engines: ${Object.keys(ENGINES).join(", ")}`,
    });
  }
  const open = await load();
  return open(directory, options);
}
