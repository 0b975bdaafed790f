/** Three regions of one set each: `sh` has the set `sh-a`. */
export interface Sites {
  readonly name: string;
  /** By region: its access nodes. Those whose names end in `-dp` are dispatchers, the others gateways. */
  readonly nodes: Readonly<Record<"sh" | "sz" | "tj", readonly string[]>>;
  /** With the part of the users that each has. All reach every region, but for those that `without` says. */
  readonly carriers: string;
  readonly without?: Readonly<Record<string, readonly string[]>>;
  readonly provinces: string;
  /** In all, and what each set is rated for. */
  readonly users: number;
  readonly capacity: { readonly onlineUsers: number; readonly loginsPerSecond: number };
  readonly gates: string;
}

/** The topology for tests of what moves users: it says where they may be, and holds no data. */
export function sitesTopology(sites: Sites): string {
  const { name, nodes, carriers, without = {}, provinces, users, capacity, gates } = sites;
  const { onlineUsers, loginsPerSecond } = capacity;
  const all = carriers.split(", ").map((part) => part.split(":")[0]!);
  const regions = Object.entries(nodes).map(
    ([region, names]) => `
  ${region}:
    idcs:
      ${region}-1:
        carriers: [${all.filter((carrier) => !without[region]?.includes(carrier)).join(", ")}]
        sets:
          ${region}-a:
            capacity: { onlineUsers: ${onlineUsers}, loginsPerSecond: ${loginsPerSecond} }
            access:
              nodes:${names.map(nodeText).join("")}`,
  );
  return `version: 1
name: ${name}
regions:${regions.join("")}
keyspaces: {}
demand:
  onlineUsers: ${users}
  carriers: { ${carriers} }
  provinces: { ${provinces} }
policy: { gates: { ${gates} } }
`;
}

function nodeText(name: string): string {
  const role = name.endsWith("-dp") ? ", role: dispatch" : "";
  return `
                ${name}: { agent: "http://${name}"${role}, capacity: { memory: 2GiB, ops: 20k, network: 1Gbps } }`;
}
