import type { z } from "zod";
import { nearest } from "./nearest.js";
import type { Finding, Path } from "./problem.js";
import { NAME_HINT } from "./schema-fields.js";
import { quote } from "../quote.js";
import { shorten } from "./units.js";
import type { PlainMap } from "./yaml-tree.js";

type Issue = z.core.$ZodIssue;
type Found = Finding & { readonly rule: string };

/** Error map for the parse: puts the known fields where only the raw issue knows them, for the hint. */
export const nameKnownFields: z.core.$ZodErrorMap = (issue) => {
  if (issue.code !== "unrecognized_keys") return undefined;
  const { shape } = (issue.inst?._zod.def ?? {}) as { readonly shape?: object };
  return Object.keys(shape ?? {}).join(", ");
};

/** What zod found, in words, with the stable names of the rules `missing-field`, `unknown-field`, `bad-name`, `wrong-type`, `bad-value`. */
export function* schemaFindings(issues: readonly Issue[], root: unknown): Generator<Found> {
  for (const issue of issues) yield* findings(issue, issue.path.filter(isStep), root);
}

function* findings(issue: Issue, path: Path, root: unknown): Generator<Found> {
  const value = valueAt(root, path);
  const last = shorten(String(path.at(-1) ?? "the file"));
  if (issue.code === "unrecognized_keys") {
    const known = issue.message.split(", ");
    for (const key of issue.keys) {
      const guess = nearest(key, known);
      yield {
        rule: "unknown-field",
        path: [...path, key],
        at: "key",
        message: `unknown field ${quote(key)}`,
        hint: guess ? `did you mean \`${guess}\`?` : "delete the field, or check its indentation",
      };
    }
  } else if (value === undefined) {
    yield {
      rule: "missing-field",
      path,
      at: "key",
      message: `\`${last}\` is missing${path.length > 1 ? ` in ${quote(String(path.at(-2)))}` : ""}`,
      hint: `add \`${last}\``,
    };
  } else if (issue.code === "invalid_type") {
    yield {
      rule: "wrong-type",
      path,
      at: "value",
      message: `${path.length > 0 ? `\`${last}\`` : last} must be ${TYPES[issue.expected] ?? issue.expected}, not ${kindOf(value)}`,
      hint:
        value === null
          ? "fill in the value, or delete the field"
          : "check the value and its indentation",
    };
  } else if (issue.code === "invalid_union" && meant(issue.errors)) {
    for (const inner of meant(issue.errors)!) {
      yield* findings(inner, [...path, ...inner.path.filter(isStep)], root);
    }
  } else if (issue.code === "invalid_value" || issue.code === "invalid_union") {
    yield oneOf(issue, path, value, last);
  } else if (issue.code === "invalid_format") {
    yield {
      rule: "bad-name",
      path,
      at: "value",
      message: issue.message,
      hint: NAME_HINT,
    };
  } else if (issue.code === "too_small") {
    yield {
      rule: "bad-value",
      path,
      at: "value",
      message: `\`${last}\` is empty`,
      hint: "list at least one",
    };
  } else {
    const { rule, hint } = paramsOf(issue);
    yield {
      rule: rule ?? "bad-value",
      path,
      at: "value",
      message: issue.message,
      hint: hint ?? "correct the value",
    };
  }
}

/** Of what may be written in several ways, the problems of the one way whose kind of value it is. */
function meant(ways: readonly (readonly Issue[])[]): readonly Issue[] | null {
  const sameKind = ways.filter(
    (issues) => !issues.some(({ code, path }) => code === "invalid_type" && path.length === 0),
  );
  return sameKind.length === 1 ? sameKind[0]! : null;
}

/** A value that is none of those allowed. */
function oneOf(issue: Issue, path: Path, value: unknown, last: string): Found {
  const options =
    issue.code === "invalid_value"
      ? issue.values.map(String)
      : last === "sharding"
        ? ["range", "consistent-hash"]
        : [];
  const base = { path, at: "value" as const };
  if (options.length === 0) {
    return {
      ...base,
      rule: "wrong-type",
      message: `${issue.message}, not ${kindOf(value)}`,
      hint: "check the value and its indentation",
    };
  }
  const text = typeof value === "string" || typeof value === "number" ? String(value) : null;
  const shown = text === null ? kindOf(value) : quote(text);
  const guess = text === null ? null : nearest(text, options);
  return {
    ...base,
    rule: "bad-value",
    message: `\`${last}\` cannot be ${shown}`,
    hint: guess && guess !== text ? `did you mean \`${guess}\`?` : `write ${options.join(" or ")}`,
  };
}

const TYPES: Readonly<Record<string, string>> = {
  object: "a map",
  record: "a map",
  array: "a list",
  string: "a text",
  number: "a number",
};

function kindOf(value: unknown): string {
  if (value === null) return "empty";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a map";
  if (typeof value === "boolean") return `the truth value ${value}`;
  return typeof value === "string" ? "a text" : "a number";
}

function paramsOf(issue: Issue): { readonly rule?: string; readonly hint?: string } {
  return issue.code === "custom" ? (issue.params ?? {}) : {};
}

function isStep(step: PropertyKey): step is string | number {
  return typeof step !== "symbol";
}

function valueAt(root: unknown, path: Path): unknown {
  let value = root;
  for (const step of path) {
    if (typeof value !== "object" || value === null) return undefined;
    value = (value as PlainMap)[step];
  }
  return value;
}
