/** A field that has another value. The path is that of the parsed topology: `capacity.memoryBytes`, `gates.maxLagMs`. */
export interface FieldChange {
  readonly field: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** The leaves in which two records of the same shape differ. Lists and segments are leaves. */
export function changedFields(before: object, after: object, prefix = ""): FieldChange[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].flatMap((name): FieldChange[] => {
    const field = prefix + name;
    const old = (before as Readonly<Record<string, unknown>>)[name];
    const now = (after as Readonly<Record<string, unknown>>)[name];
    if (isRecord(old) && isRecord(now)) return changedFields(old, now, `${field}.`);
    return text(old) === text(now) ? [] : [{ field, before: old, after: now }];
  });
}

function isRecord(value: unknown): value is object {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !("lo" in value && "hi" in value)
  );
}

function text(value: unknown): string | undefined {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === "bigint" ? `${part}n` : part,
  );
}
