import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { PACKAGE_ROOT } from "./package-root.js";

const FOLDER = new URL("fixtures/topologies/", PACKAGE_ROOT);

export const EXPANSION_FILE = "demo/topology.yaml";
export const EVACUATION_FILE = "demo-users/topology.yaml";

export interface DemoTopologies {
  readonly before: string;
  readonly expanded: string;
}

/** Three regions before and after the expansion, without the URLs of agents. */
export async function demoTopologies(): Promise<DemoTopologies> {
  return { before: await read(EXPANSION_FILE), expanded: await read("demo/expanded.yaml") };
}

/** Three regions with gateways and dispatchers, without the URLs of agents. */
export function usersTopology(): Promise<string> {
  return read(EVACUATION_FILE);
}

function read(name: string): Promise<string> {
  return readFile(fileURLToPath(new URL(name, FOLDER)), "utf8");
}
