import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { OpsError } from "../../src/lib/errors.js";
import { costOf, UNKNOWN } from "../../src/lib/schedule/quality/cost.js";
import { costsOf, qualitiesOf } from "../../src/lib/schedule/quality/entries.js";
import { parseQuality } from "../../src/lib/schedule/quality/parse.js";
import { loadTopology } from "../../src/lib/topology/load.js";

const { topology } = await loadTopology("fixtures/topologies/carrier-lines/topology.yaml");
const parse = (text: string) =>
  parseQuality(new TextEncoder().encode(text), "quality.yaml", topology, topology.demand!);

test("the cost is the mean time until a message and its answer got through, with a second for each try that is lost", () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0, max: 900, noNaN: true }),
      fc.integer({ min: 0, max: 90 }),
      (rttMs, p) => {
        const loss = p / 100;
        // Added up over the number of tries that are lost before one succeeds.
        let mean = 0;
        for (let lost = 0; lost < 2_000; lost += 1) {
          mean += loss ** lost * (1 - loss) * (lost * 1_000 + rttMs);
        }
        expect(costOf({ rttMs, loss })).toBeCloseTo(mean, 4);
      },
    ),
  );
  expect(costOf({ rttMs: 5_000, loss: 0.5 })).toBe(10_000);
  expect(costOf({ rttMs: 20, loss: 1 })).toBeCloseTo(99_020);
});

test("a list says it in YAML or JSON; the nearest place counts, and what is not there has the stated default", () => {
  const yaml = "- { carrier: telecom, province: hebei, site: west, rttMs: 38, loss: 2% }\n";
  const json = `[{"carrier":"telecom","province":"hebei","site":"west-1-a","rttMs":30.512345678901,"loss":1e-2}]`;
  const list = [...parse(yaml), ...parse(json)];
  expect(list[0]).toEqual({
    carrier: "telecom",
    province: "hebei",
    site: "west",
    rttMs: 38,
    loss: 0.02,
  });
  const of = (entries: typeof list) => costsOf(qualitiesOf(topology, entries))("telecom", "hebei");
  const unknown = costOf(UNKNOWN);
  expect(of(list.slice(0, 1))).toEqual([unknown, costOf(list[0]!), unknown]);
  expect(of(list)).toEqual([unknown, costOf(list[1]!), unknown]);
  expect(of([])).toEqual([unknown, unknown, unknown]);
});

describe("what is wrong with a list is told with its place and what to do", () => {
  const row = (change: string) =>
    `- { carrier: telecom, province: hebei, site: west, rttMs: 38, loss: 2% }\n- {${change} }\n`;
  test.each([
    ["no list", "carrier: telecom\n", "must be a list"],
    [
      "a name that the topology does not know",
      row("carrier: unicon, province: hebei, site: west, rttMs: 1, loss: 0"),
      'quality.yaml:2:13: error: the topology has no carrier "unicon" [unknown-name]',
    ],
    [
      "a site that is none",
      row("carrier: unicom, province: hebei, site: wset, rttMs: 1, loss: 0"),
      "did you mean west?",
    ],
    [
      "a pair that is there twice",
      row("carrier: telecom, province: hebei, site: west, rttMs: 1, loss: 0"),
      "telecom in hebei to west is there twice",
    ],
    [
      "a loss above all",
      row("carrier: unicom, province: hebei, site: west, rttMs: 1, loss: 2"),
      '`loss` must be a share from 0 to 1 or 0% to 100%, not "2"',
    ],
    [
      "a loss that is none",
      row("carrier: unicom, province: hebei, site: west, rttMs: 1, loss: much"),
      "`loss` must be a share",
    ],
    [
      "a time that is none",
      row("carrier: unicom, province: hebei, site: west, rttMs: -1, loss: 0"),
      '`rttMs` must be a number from 0 to 60000, not "-1"',
    ],
    [
      "a field that is not known",
      row("carrier: unicom, province: hebei, site: west, rtt: 1, loss: 0"),
      'unknown field "rtt"',
    ],
    [
      "a field that is missing",
      row("carrier: unicom, province: hebei, site: west, loss: 0"),
      "`rttMs` is missing",
    ],
    ["broken YAML", "- { carrier: telecom\n", "quality.yaml:"],
  ])("%s", (_, text, message) => {
    let thrown: unknown;
    try {
      parse(text);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(OpsError);
    const { code, exit, message: told } = thrown as OpsError;
    expect([code, exit]).toEqual(["invalid-quality", 3]);
    expect(told).toContain(message);
  });
});
