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

/**
 * The name of a plan without its field `hash`. When it was made is left out where there is nothing to do: to find that twice is to
 * find the same.
 */
export function planHash({
  createdAt,
  ...rest
}: {
  readonly createdAt?: unknown;
  readonly stages?: unknown;
}): string {
  const isIdle = Array.isArray(rest.stages) && rest.stages.length === 0;
  return hashOf(isIdle ? rest : { createdAt, ...rest });
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
