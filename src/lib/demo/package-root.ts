import { existsSync } from "node:fs";

/** The folder of the package: above `src`, and above wherever the build puts this module. */
export const PACKAGE_ROOT = holding("package.json", new URL(".", import.meta.url));

function holding(file: string, folder: URL): URL {
  return existsSync(new URL(file, folder)) ? folder : holding(file, new URL("..", folder));
}
