import { problem, type Problem } from "../agent/protocol/problem.js";

export type BatchOp =
  | { readonly op: "put"; readonly key: string; readonly value: Uint8Array | string }
  | { readonly op: "delete"; readonly key: string }
  | { readonly op: "get"; readonly key: string };

/** One answer line. */
export type Answer =
  | { readonly kind: "written"; readonly position: string }
  | { readonly kind: "found"; readonly value: Buffer; readonly position: string }
  | { readonly kind: "absent" }
  | { readonly kind: "problem"; readonly problem: Problem };

export function encodeOp(op: BatchOp): string {
  const key = JSON.stringify(op.key);
  if (op.op !== "put") return `{"op":"${op.op}","key":${key}}\n`;
  return `{"op":"put","key":${key},"value":"${bytesOf(op.value).toString("base64")}"}\n`;
}

export function bytesOf(value: Uint8Array | string): Buffer {
  if (typeof value === "string") return Buffer.from(value);
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}

/** Null for a line that is not an answer: the node ended while it wrote it. */
export function decodeAnswer(line: string): Answer | null {
  let said: Record<string, unknown>;
  try {
    said = JSON.parse(line) as Record<string, unknown>;
  } catch {
    return null;
  }
  const position = typeof said["position"] === "string" ? said["position"] : "";
  if (said["status"] === 204) return { kind: "written", position };
  if (said["status"] === 200 && typeof said["value"] === "string") {
    return { kind: "found", value: Buffer.from(said["value"], "base64"), position };
  }
  const told = problem.safeParse(said);
  if (!told.success) return null;
  return told.data.code === "not-found"
    ? { kind: "absent" }
    : { kind: "problem", problem: told.data };
}
