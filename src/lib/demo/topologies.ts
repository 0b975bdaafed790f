import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

/** The same from `src` and from `dist`. */
const FOLDER = new URL("../../../fixtures/topologies/demo/", import.meta.url);

export interface DemoTopologies {
  readonly before: string;
  readonly expanded: string;
}

/** Three regions before and after the expansion, without the URLs of agents. */
export async function demoTopologies(): Promise<DemoTopologies> {
  const read = (name: string): Promise<string> =>
    readFile(fileURLToPath(new URL(name, FOLDER)), "utf8");
  return { before: await read("topology.yaml"), expanded: await read("expanded.yaml") };
}
