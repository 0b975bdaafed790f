import type { SegmentMap } from "../keyspace/map.js";
import { POSITION_END } from "../keyspace/segment.js";
import { LONGEST_MS, type Entry, type PolicyDocument } from "./document.js";

export interface OfClass {
  readonly carrier: string;
  readonly province: string;
}

/** Names a class in messages and in tables. */
export function classKey({ carrier, province }: OfClass): string {
  return `${carrier}/${province}`;
}

/** What makes a document unusable though its shape is right. */
export function checkPolicy(document: PolicyDocument): string[] {
  const { sites, classes, entries, changes = [] } = document;
  const known = new Set(Object.keys(sites));
  const keys = new Set(classes.map(classKey));
  return [
    ...repeated(classes.map(classKey)).map((key) => `class ${key} is there twice`),
    ...classes.flatMap((one) => mapProblems(`class ${classKey(one)}`, one.base, known)),
    ...repeated(changes.map(({ site }) => site)).map((id) => `site ${id} has two last changes`),
    ...repeated(entries.map(({ id }) => id)).map((id) => `entry ${id} is there twice`),
    ...entries.flatMap((entry) => entryProblems(entry, known, keys)),
  ];
}

function entryProblems(
  entry: Entry,
  known: ReadonlySet<string>,
  classes: ReadonlySet<string>,
): string[] {
  const { id, site, since, expires, ramp, redirects } = entry;
  const what = `entry ${id}`;
  const problems: string[] = [];
  if (!known.has(site)) problems.push(`${what}: there is no site ${site}`);
  if (expires <= since) problems.push(`${what} expires before it begins`);
  if (expires - since > LONGEST_MS) problems.push(`${what} lasts longer than 31 days`);
  if (ramp.everyMs / ramp.step > LONGEST_MS)
    problems.push(`${what} takes longer than 31 days to let all users back`);
  for (const key of repeated(redirects.map(classKey)))
    problems.push(`${what} redirects class ${key} twice`);
  for (const redirect of redirects) {
    const key = classKey(redirect);
    if (!classes.has(key)) problems.push(`${what}: there is no class ${key}`);
    problems.push(...mapProblems(`${what}, class ${key}`, redirect.map, known));
    if (redirect.map.some(({ value }) => value === site))
      problems.push(
        `${what} sends users of class ${key} to ${site}, from where it keeps them away`,
      );
  }
  return problems;
}

function mapProblems(what: string, map: SegmentMap<string>, known: ReadonlySet<string>): string[] {
  let end = 0n;
  for (const { lo, hi, value } of map) {
    if (lo !== end || hi <= lo) return [`${what}: the pieces do not join at ${end}`];
    if (!known.has(value)) return [`${what}: there is no site ${value}`];
    end = hi;
  }
  return end === POSITION_END ? [] : [`${what}: the pieces do not cover every hash`];
}

function repeated(names: readonly string[]): string[] {
  const seen = new Set<string>();
  const twice = new Set<string>();
  for (const one of names) (seen.has(one) ? twice : seen).add(one);
  return [...twice];
}
