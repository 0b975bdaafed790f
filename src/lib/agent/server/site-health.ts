import { connect } from "node:net";
import type { Quality } from "../../access/quality.js";
import type { Entry, PolicySite } from "../../policy/document.js";

const CONNECT_MS = 1_000;
/** Users do not come back over ways that lose more. */
const MOST_LOSS = 0.1;

/**
 * Whether users may come back to a site from which the entry keeps them away: more than half of the addresses that it is for take
 * connections, and what is measured of the way there by users like them is not bad.
 */
export async function isSiteWell(
  entry: Entry,
  site: PolicySite,
  quality: Quality,
): Promise<boolean> {
  if (lossOf(entry, quality) > MOST_LOSS) return false;
  const addresses = site.addresses.filter(({ port }) => entry.port === null || entry.port === port);
  const answers = await Promise.all(addresses.map(async ({ url }) => connects(url)));
  return answers.filter((answer) => answer).length * 2 > addresses.length;
}

/** Of all samples together; 0 while there are too few. */
function lossOf({ site, carrier, province }: Entry, quality: Quality): number {
  let samples = 0;
  let lost = 0;
  for (const figure of quality.figures(performance.now())) {
    if (figure.site !== site || figure.loss === null) continue;
    if (carrier !== null && figure.carrier !== carrier) continue;
    if (province !== null && figure.province !== province) continue;
    samples += figure.samples;
    lost += figure.samples * figure.loss;
  }
  return samples === 0 ? 0 : lost / samples;
}

async function connects(url: string): Promise<boolean> {
  const { hostname, port, protocol } = new URL(url);
  const usual = protocol === "wss:" || protocol === "https:" ? 443 : 80;
  const host = hostname.replace(/^\[(.*)\]$/, "$1");
  return new Promise((resolve) => {
    const socket = connect({ host, port: port === "" ? usual : Number(port) });
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(CONNECT_MS, () => end(false));
    socket.once("connect", () => end(true));
    socket.once("error", () => end(false));
  });
}
