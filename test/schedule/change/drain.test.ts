import { expect, it } from "vitest";
import { alreadyInForce } from "../../../src/lib/schedule/change/already.js";
import {
  INTENT,
  SITUATION,
  entry,
  gateway,
  planOf,
  proposed,
  rulesAgainst,
  withEntries,
} from "./situation.js";

it("a drain ends with every gateway of the site seen to be empty, and may follow a disable", async () => {
  const spare = { ...gateway("sh-a", 0), node: "sh-a-gw2", groups: [] };
  const gateways = [...SITUATION.gateways, spare];
  const { change, stages } = planOf(await proposed({ empties: true }, { gateways }));
  expect(change.what).toBe("drain");
  const last = stages.at(-1)!;
  expect(last.kind).toBe("empty");
  const filter = { carrier: null, province: null, port: null };
  expect(last.waves.flat()).toMatchObject(
    ["sh-a-gw", "sh-a-gw2"].map((node) => ({ kind: "empty", node, entry: "sh-a-1", filter })),
  );
  const weak = withEntries(entry({ mode: "weak" }));
  expect(await rulesAgainst({ empties: true }, weak)).toEqual([]);
  expect(await rulesAgainst({}, weak)).toEqual(["one-at-a-time"]);
  expect(alreadyInForce({ ...INTENT, empties: true }, { ...SITUATION, ...weak })).toEqual([]);
  const empty = { ...SITUATION, ...weak, gateways: SITUATION.gateways.slice(1) };
  expect(alreadyInForce({ ...INTENT, empties: true }, empty)).toHaveLength(1);
});
