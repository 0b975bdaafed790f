import { z } from "zod";
import { EXIT, OpsError } from "../../errors.js";
import { quote } from "../../quote.js";
import { decode } from "../../topology/decode.js";
import { nearest } from "../../topology/nearest.js";
import { parseYaml } from "../../topology/parse-yaml.js";
import { place } from "../../topology/place.js";
import type { Finding, Problem } from "../../topology/problem.js";
import { ProblemList } from "../../topology/problem-list.js";
import { renderProblems } from "../../topology/render-problems.js";
import * as field from "../../topology/schema-fields.js";
import { nameKnownFields, schemaFindings } from "../../topology/schema-problems.js";
import { type Demand, type Topology, UNLISTED } from "../../topology/types.js";
import type { QualityEntry } from "./entries.js";

const MOST_MS = 60_000;

/** YAML numbers arrive as numbers or as they are written, JSON ones with any number of digits. */
function amount(read: (text: string) => number, most: number, error: string, example: string) {
  return z
    .union([z.string(), z.number()], { error })
    .meta({ examples: [example] })
    .transform((input, context): number => {
      const value = read(String(input));
      if (value >= 0 && value <= most) return value;
      const params = { hint: `write a value such as ${example}` };
      context.addIssue({
        code: "custom",
        message: `${error}, not ${quote(String(input))}`,
        params,
      });
      return z.NEVER;
    });
}

function decimal(text: string): number {
  return /^\d+(\.\d+)?(e-?\d+)?$/i.test(text) ? Number(text) : NaN;
}

function fraction(text: string): number {
  return text.endsWith("%") ? decimal(text.slice(0, -1).trim()) / 100 : decimal(text);
}

const entry = z.strictObject({
  carrier: field.name,
  province: field.name,
  site: field.name,
  rttMs: amount(decimal, MOST_MS, `\`rttMs\` must be a number from 0 to ${MOST_MS}`, "35.5"),
  loss: amount(fraction, 1, "`loss` must be a share from 0 to 1 or 0% to 100%", "1%"),
});

const file = z.array(entry);

/**
 * Measured quality, as a YAML or JSON list of `{ carrier, province, site, rttMs, loss }`. Throws OpsError `invalid-quality` with every
 * problem and its place: also what the topology does not know, since a name that is mistyped would count as not measured.
 */
export function parseQuality(
  input: Uint8Array,
  name: string,
  topology: Topology,
  demand: Demand,
): QualityEntry[] {
  const decoded = decode(name, input);
  if (!decoded.ok) throw invalid(name, [decoded.problem]);
  const problems = new ProblemList();
  const tree = parseYaml(decoded.source, problems);
  if (!tree) throw invalid(name, problems.sorted());
  const add = (found: Iterable<Finding>, id: string): void =>
    place(found, { id, severity: "error" }, decoded.source, tree, problems);
  const document = file.safeParse(tree.value, { error: nameKnownFields });
  if (document.success) {
    add(strangers(document.data, topology, demand), "unknown-name");
    add(repeated(document.data), "measured-twice");
  } else {
    for (const found of schemaFindings(document.error.issues, tree.value)) add([found], found.rule);
  }
  if (!document.success || problems.hasErrors) throw invalid(name, problems.sorted());
  return document.data;
}

function* strangers(
  entries: readonly QualityEntry[],
  { regions, idcs, sets }: Topology,
  { carriers, provinces }: Demand,
): Generator<Finding> {
  const ids = (things: readonly { readonly id: string }[]) => things.map(({ id }) => id);
  const known = {
    carrier: [...ids(carriers), UNLISTED],
    province: [...ids(provinces), UNLISTED],
    site: [...ids(sets), ...ids(idcs), ...ids(regions)],
  };
  for (const of of ["carrier", "province", "site"] as const) {
    const names = new Set(known[of]);
    for (const [i, one] of entries.entries()) {
      if (names.has(one[of])) continue;
      const guess = nearest(one[of], known[of]);
      const where = of === "site" ? "a set, an idc or a region" : `in demand.${of}s`;
      yield {
        path: [i, of],
        at: "value",
        message: `the topology has no ${of} ${quote(one[of])}`,
        hint: guess ? `did you mean ${guess}?` : `name one that is ${where}, or ${UNLISTED}`,
      };
    }
  }
}

function* repeated(entries: readonly QualityEntry[]): Generator<Finding> {
  const seen = new Set<string>();
  for (const [i, { carrier, province, site }] of entries.entries()) {
    const key = JSON.stringify([carrier, province, site]);
    if (seen.has(key)) {
      yield {
        path: [i],
        at: "value",
        message: `${carrier} in ${province} to ${site} is there twice`,
        hint: "delete one of the two",
      };
    }
    seen.add(key);
  }
}

function invalid(name: string, problems: readonly Problem[]): OpsError {
  const message = `${name} is no list of measured quality\n\n${renderProblems(problems)}`;
  return new OpsError("invalid-quality", EXIT.refused, message, {
    hint: "each entry is { carrier, province, site, rttMs, loss }",
    details: problems,
  });
}
