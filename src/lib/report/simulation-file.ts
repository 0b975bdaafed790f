import { EXIT, OpsError } from "../errors.js";
import type { Simulation } from "../schedule/simulate/simulate.js";
import { simulationChart } from "./simulation-chart.js";
import { simulationText } from "./simulation.js";
import { escapeMarkup } from "./markup.js";

/** Columns of the text in a page. */
const WIDTH = 120;

/** How a simulation is written to a file: what the file's name ends with says as what. */
export type SimulationFile = (simulation: Simulation) => string;

/** @throws OpsError `bad-flag` (exit 64) for a name that ends with neither `.svg` nor `.html` */
export function simulationFile(path: string): SimulationFile {
  const name = path.toLowerCase();
  if (name.endsWith(".svg")) return simulationChart;
  if (name.endsWith(".html")) return page;
  throw new OpsError(
    "bad-flag",
    EXIT.usage,
    `--chart ${path} says not as what it is to be written`,
    {
      hint: "let its name end with .svg or .html",
    },
  );
}

/** The chart, and all that the terminal says: one file without scripts, nor anything from elsewhere. */
function page(simulation: Simulation): string {
  const { change } = simulation;
  const title = escapeMarkup(`Simulation: ${change.what} ${change.sites.join(", ")}`);
  return [
    "<!doctype html>",
    `<html lang="en"><head><meta charset="utf-8"><title>${title}</title>`,
    "<style>body { margin: 2em; } svg { max-width: 100%; height: auto; } pre { font-size: 14px; }</style>",
    "</head><body>",
    simulationChart(simulation),
    `<pre>${escapeMarkup(simulationText(simulation, WIDTH))}</pre>`,
    "</body></html>",
    "",
  ].join("\n");
}
