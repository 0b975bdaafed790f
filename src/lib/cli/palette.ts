import { Chalk, type ChalkInstance } from "chalk";
import { coloured } from "./terminal.js";

/** Colours for one stream; plain text where there should be none. */
export function palette(stream: { isTTY?: boolean }): ChalkInstance {
  return new Chalk({ level: coloured(stream) ? 1 : 0 });
}
