import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { type Server, createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type TestCluster, startCluster } from "../support/cluster.js";
import { type Ended, beginOps } from "./ops-process.js";

const LONG_MS = 90_000;

const NODE = "capacity: { memory: 2GiB, ops: 20k, network: 1Gbps }";
const region = (id: string, more = "") => `
  ${id}:
    idcs:
      ${id}-1:
        carriers: [telecom]
        sets:
          ${id}-1-a:
            capacity: { onlineUsers: 500, loginsPerSecond: 400 }
            access:
              nodes:
                ${id}-gw: { agent: "http://${id}-gw", ${NODE} }${more}`;
const TOPOLOGY = `version: 1
name: silent
regions:${region("east", `\n                dp: { agent: "http://dp", role: dispatch, ${NODE} }`)}${region("west")}
keyspaces: {}
demand: { onlineUsers: 100, loginsPerSecond: 1, carriers: { telecom: 100% }, provinces: { hunan: 100% } }
`;

let cluster: TestCluster;
let state: string;
let earlier: Server;
/** The topology with the gateway of the west as one of an earlier version, which does not know who belongs elsewhere. */
let file: string;

beforeAll(async () => {
  state = await mkdtemp(join(tmpdir(), "ops-e2e-"));
  cluster = await startCluster(TOPOLOGY);
  earlier = without("/v1/elsewhere", cluster.url("west-gw"));
  await new Promise<void>((resolve) => earlier.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(earlier.address() as AddressInfo).port}`;
  file = join(state, "topology.yaml");
  await writeFile(file, cluster.topologyText.replace(cluster.url("west-gw"), url));
  await ops("schedule", "balance", ...CHANGE);
}, LONG_MS);

afterAll(async () => {
  earlier?.close();
  earlier?.closeAllConnections();
  await cluster?.stop();
  await rm(state, { recursive: true, force: true });
});

const CHANGE = ["--reason", "a test", "--yes"];

function ops(...args: string[]): Promise<Ended> {
  return beginOps([...args, "-t", file], { state }).ended;
}

/** An agent, but for one question that it does not know. */
function without(question: string, agent: string): Server {
  return createServer((asked, answer) => {
    const { method, headers, url = "/" } = asked;
    if (url === question) return void answer.writeHead(404).end("no such route");
    const onward = request(`${agent}${url}`, { method, headers }, (said) => {
      answer.writeHead(said.statusCode!, said.headers);
      said.pipe(answer);
    });
    onward.on("error", () => answer.destroy());
    asked.pipe(onward);
  });
}

const SILENT = [{ node: "west-gw", role: "gateway", site: "west-1-a" }];

test("a restore with nothing to do names the gateway that may have users", async () => {
  const { code, json } = await ops("schedule", "restore", "east-1-a", ...CHANGE);
  expect({ code, json }).toMatchObject({ code: 6, json: { changes: false, silent: SILENT } });
});

test("so does the restore of a region, whether or not there is something to do", async () => {
  const restore = ["region", "restore", "east", ...CHANGE];
  expect(await ops(...restore)).toMatchObject({
    code: 6,
    json: { changes: false, silent: SILENT },
  });
  const mask = ["schedule", "mask", "east-1-a", "--ttl", "10m", "--ramp", "100ms"];
  const overrides = ["--override", "anti-flap"];
  expect((await ops(...mask, ...overrides, ...CHANGE)).code).toBe(0);
  expect(await ops(...restore)).toMatchObject({
    code: 6,
    json: { outcome: "applied", silent: SILENT },
  });
});

test("status does not tell that nobody is elsewhere, and names the gateway", async () => {
  const { code, json } = await ops("schedule", "status");
  expect({ code, json }).toMatchObject({
    code: 6,
    json: {
      silent: SILENT,
      // Of the west the gateway of the east has said it.
      sites: [
        { id: "east-1-a", strayed: null },
        { id: "west-1-a", strayed: 0 },
      ],
    },
  });
});
