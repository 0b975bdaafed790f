import { createHash } from "node:crypto";
import canonicalize from "canonicalize";

/** RFC 8785 JSON with every bigint as a decimal string. The same value gives the same bytes everywhere. */
export function canonicalJson(value: unknown): string {
  const text = canonicalize(bigintsAsText(value));
  if (text === undefined) throw new TypeError("the value has no JSON form");
  return text;
}

/** SHA-256 of the UTF-8 bytes, 64 lower-case hexadecimal digits. */
export function sha256(text: string): string {
  return createHash("sha256").update(text, "utf8").digest("hex");
}

/** SHA-256 of the canonical JSON. */
export function hashOf(value: unknown): string {
  return sha256(canonicalJson(value));
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

function bigintsAsText(value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (Array.isArray(value)) return value.map(bigintsAsText);
  if (value !== null && typeof value === "object") {
    return Object.fromEntries(
      Object.entries(value).map(([name, field]) => [name, bigintsAsText(field)]),
    );
  }
  return value;
}
