import { connect } from "node:net";
import type { Path, Quality, QualityFigure } from "../../access/quality.js";
import type { Entry, PolicySite } from "../../policy/document.js";
import type { Unwell } from "../../policy/unwell.js";

const CONNECT_MS = 1_000;
/** Users do not come back over ways that lose more. */
const MOST_LOSS = 0.1;

/**
 * What is in the way of users who would come back to a site from which the entry keeps them away; null where nothing is: more than half
 * of the addresses that it is for take connections, and what is measured of the ways there by users like them is not bad.
 */
export async function siteUnwell(
  entry: Entry,
  site: PolicySite,
  quality: Quality,
): Promise<Unwell | null> {
  const now = performance.now();
  const isMeant = meantBy(entry);
  const loss = lossOf(quality.figures(now).filter(isMeant));
  const ways = new Map(quality.addresses(isMeant, now).map((one) => [one.url, one.loss]));
  const own = site.addresses.filter(({ port }) => entry.port === null || entry.port === port);
  const addresses = await Promise.all(
    own.map(async ({ url, node = null }) => {
      return { url, node, connects: await connects(url), loss: ways.get(url) ?? null };
    }),
  );
  const connected = addresses.filter((one) => one.connects).length;
  if (!isBad(loss) && connected * 2 > addresses.length) return null;
  return { loss, addresses: addresses.filter((one) => !one.connects || isBad(one.loss)) };
}

function meantBy({ site, carrier, province }: Entry) {
  return (path: Path): boolean =>
    path.site === site &&
    (carrier === null || path.carrier === carrier) &&
    (province === null || path.province === province);
}

function isBad(loss: number | null): boolean {
  return loss !== null && loss > MOST_LOSS;
}

/** Of all samples together; null while there are too few. */
function lossOf(figures: readonly QualityFigure[]): number | null {
  let samples = 0;
  let lost = 0;
  for (const figure of figures) {
    if (figure.loss === null) continue;
    samples += figure.samples;
    lost += figure.samples * figure.loss;
  }
  return samples === 0 ? null : lost / samples;
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
