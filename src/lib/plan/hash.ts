import { createHash } from "node:crypto";

/** SHA-256 of the UTF-8 bytes, 64 lower-case hexadecimal digits. */
export function sha256(text: string): string {
  return createHash("sha256").update(text, "utf8").digest("hex");
}

/** SHA-256 of the canonical JSON. */
export function hashOf(value: unknown): string {
  const hash = createHash("sha256");
  writeCanonical(value, (text) => hash.update(text, "utf8"));
  return hash.digest("hex");
}

/** SHA-256 of these, one after the other: bytes as they are, of any other value the canonical JSON and an end of line. */
export function hashOfAll(parts: Iterable<unknown>): string {
  const hash = createHash("sha256");
  for (const part of parts) {
    if (part instanceof Uint8Array) hash.update(part);
    else {
      writeCanonical(part, (text) => hash.update(text, "utf8"));
      hash.update("\n");
    }
  }
  return hash.digest("hex");
}

/**
 * The name of a plan without its field `hash`. The holdings are in it by their fingerprints: of 100,000 they are most of a plan. When
 * it was made is left out where there is nothing to do: to find that twice is to find the same.
 */
export function planHash({
  createdAt,
  keyspaces,
  ...rest
}: {
  readonly createdAt?: unknown;
  readonly keyspaces?: unknown;
  readonly stages?: unknown;
}): string {
  const isIdle = Array.isArray(rest.stages) && rest.stages.length === 0;
  const named = { ...rest, keyspaces: withoutHoldings(keyspaces) };
  return hashOf(isIdle ? named : { createdAt, ...named });
}

function withoutHoldings(keyspaces: unknown): unknown {
  if (!Array.isArray(keyspaces)) return keyspaces;
  return keyspaces.map((keyspace: unknown) => {
    const { before: _, after: __, ...rest } = keyspace as Readonly<Record<string, unknown>>;
    return rest;
  });
}

/** Text that is handed on at once, characters. */
const CHUNK = 65_536;
/** What JSON writes as it is. */
const PLAIN = /^[\w .:/-]*$/;

/** RFC 8785 JSON in chunks, with every bigint as a decimal string: of 100,000 segments it is tens of megabytes. */
function writeCanonical(value: unknown, take: (text: string) => void): void {
  let text = "";
  // Of 100,000 objects in a row that have the same names these are sorted and quoted once.
  let names: readonly string[] = [];
  let sorted: readonly (readonly [name: string, quoted: string])[] = [];
  const sortedNames = (fields: object) => {
    const own = Object.keys(fields);
    if (own.length !== names.length || own.some((name, i) => name !== names[i])) {
      names = own;
      sorted = own.toSorted().map((name) => [name, `${quoted(name)}:`]);
    }
    return sorted;
  };
  const write = (one: unknown): void => {
    if (typeof one === "string") text += quoted(one);
    else if (typeof one === "bigint") text += `"${one}"`;
    else if (one === null || typeof one !== "object") text += scalar(one);
    else if (Array.isArray(one)) {
      let separator = "[";
      for (const item of one) {
        text += separator;
        separator = ",";
        write(item);
      }
      text += one.length === 0 ? "[]" : "]";
    } else {
      let separator = "{";
      const fields = one as Readonly<Record<string, unknown>>;
      for (const [name, head] of sortedNames(fields)) {
        if (fields[name] === undefined) continue;
        text += separator + head;
        separator = ",";
        write(fields[name]);
      }
      text += separator === "{" ? "{}" : "}";
    }
    if (text.length < CHUNK) return;
    take(text);
    text = "";
  };
  write(value);
  take(text);
}

function quoted(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text);
}

function scalar(value: unknown): string {
  const text =
    typeof value === "number" && !Number.isFinite(value) ? undefined : JSON.stringify(value);
  if (text === undefined) throw new TypeError(`${String(value)} has no JSON form`);
  return text;
}
