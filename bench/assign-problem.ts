import type { Limit, Problem, Site, UserClass } from "../src/lib/schedule/types.js";

/** A service of idcs of two sites each, with lines of five carriers, and a region of it that is lost. Always the same for a size. */
export interface Size {
  readonly classes: number;
  readonly sites: number;
}

const CARRIERS = ["telecom", "unicom", "mobile", "cernet", "broadnet"];
const REGIONS = 5;

export function problemOf(
  { classes: count, sites: many }: Size,
  kind: "lost" | "balance",
): Problem {
  const random = generator(many * count);
  const sites = Array.from({ length: many }, (_, i): Site => {
    const idc = Math.floor(i / 2);
    return {
      id: `s${i}`,
      idc: `i${idc}`,
      region: `r${idc % Math.min(REGIONS, many / 2)}`,
      loginsPerSecond: 3_000 + Math.floor(random() * 3_000),
      carriers: CARRIERS.filter((_carrier, c) => idc < 2 || (idc + c) % 3 !== 0),
    };
  });
  const rows = Array.from({ length: count }, () =>
    sites.map(() => Math.round(100 * (8 + 90 * random() ** 2)) / 100),
  );
  const classes = Array.from({ length: count }, (_, k): UserClass => {
    const carrier = CARRIERS[k % CARRIERS.length]!;
    const reached = sites.filter(({ carriers }) => carriers.includes(carrier));
    const site = reached[Math.floor(random() * reached.length)]!.id;
    return { carrier, province: `p${k}`, site, users: 50_000 + Math.floor(random() * 200_000) };
  });
  const users = classes.reduce((sum, one) => sum + one.users, 0);
  const room = (1.45 * users) / many;
  const limit = (what: string, ids: string[], carrier: string | null, most: number): Limit => ({
    what,
    sites: ids,
    carrier,
    users: Math.round(most),
    soft: Math.round(0.9 * most),
  });
  const idcs = [...new Set(sites.map(({ idc }) => idc))];
  const of = (idc: string) => sites.filter((one) => one.idc === idc);
  const ids = (idc: string) => of(idc).map(({ id }) => id);
  const limits = [
    ...sites.map(({ id }) => limit("users online", [id], null, room * (0.9 + 0.2 * random()))),
    ...idcs.map((idc) => limit("of memory in the access layer", ids(idc), null, 1.9 * room)),
    ...idcs.flatMap((idc) =>
      of(idc)[0]!.carriers.map((carrier) =>
        limit(`on the line of ${carrier}`, ids(idc), carrier, room * (0.6 + 0.3 * random())),
      ),
    ),
  ];
  const lost = kind === "lost" ? sites.filter(({ region }) => region === "r0") : [];
  const tolls = sites.map(() => 5);
  const byProvince = new Map(rows.map((row, k) => [`p${k}`, row]));
  return {
    sites,
    limits,
    classes,
    closed: lost.map(({ id }) => ({ site: id, carrier: null, province: null })),
    costs: (_, province) => byProvince.get(province)!,
    moves: kind === "lost" ? null : { most: Math.round(users / 20), tolls: () => tolls },
  };
}

/** Numbers in [0, 1), the same each time: the minimal standard generator. */
function generator(seed: number): () => number {
  let state = (seed % 2_147_483_646) + 1;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return (state - 1) / 2_147_483_646;
  };
}
