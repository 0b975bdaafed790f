import { formatPosition } from "../../../ownership/position.js";
import { type Problem, ProblemError } from "../../protocol/problem.js";
import type { Data } from "../data/data.js";
import type { Write, WriteResult } from "../data/writes.js";
import { bad } from "./read.js";
import { problemOf } from "./problems.js";

/** Operations of one commit. */
const COMMIT_OPERATIONS = 2_000;
const COMMIT_BYTES = 4 * 1024 * 1024;
/** Commits of one batch that may wait for followers at once. */
const COMMITS_AHEAD = 4;
const MOST_OPERATIONS = 100_000;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

type Operation = { readonly op: "get"; readonly key: string } | ({ readonly op: "write" } & Write);

/**
 * Runs the lines in order and answers each. Nothing is applied when a line cannot be read. Each operation stands alone: some
 * may be refused while others are applied.
 */
export async function runBatch(
  data: Data,
  keyspace: string,
  text: string,
  generation: bigint | null,
): Promise<string> {
  const lines = text.split("\n");
  if (lines.at(-1)?.trim() === "") lines.pop();
  if (lines.length === 0) throw bad("an empty batch");
  if (lines.length > MOST_OPERATIONS)
    throw bad(`a batch has at most ${MOST_OPERATIONS} operations`);
  const operations = lines.map((line, i) => parseLine(line, i + 1, generation));
  data.shardings.of(keyspace);

  /** Of each commit, or read, in order: the next one does not wait for the acknowledgements. */
  const answers: Promise<string[]>[] = [];
  let writes: Write[] = [];
  let bytes = 0;
  const commit = async () => {
    if (writes.length === 0) return;
    const batch = writes;
    writes = [];
    bytes = 0;
    await answers[answers.length - COMMITS_AHEAD];
    const { acknowledged } = await data.writes.commit(keyspace, batch);
    answers.push(acknowledged.then((results) => results.map(answerOf)));
  };
  for (const operation of operations) {
    if (operation.op === "get") {
      // A read sees the writes before it in the batch.
      await commit();
      answers.push(Promise.resolve([read(data, keyspace, operation.key)]));
      continue;
    }
    writes.push(operation);
    bytes += operation.key.length + (operation.value?.length ?? 0);
    if (writes.length === COMMIT_OPERATIONS || bytes > COMMIT_BYTES) await commit();
  }
  await commit();
  return `${(await Promise.all(answers)).flat().join("\n")}\n`;
}

function parseLine(line: string, number: number, generation: bigint | null): Operation {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw bad(`line ${number} is not JSON`);
  }
  const { op, key, value: encoded } = (value ?? {}) as Record<string, unknown>;
  if (typeof key !== "string") throw bad(`line ${number}: key is missing`);
  if (op === "get") return { op, key };
  if (op === "delete") return { op: "write", key, value: null, generation };
  if (op !== "put") throw bad(`line ${number}: op is put, delete or get`);
  if (typeof encoded !== "string" || encoded.length % 4 !== 0 || !BASE64.test(encoded)) {
    throw bad(`line ${number}: value is missing or not base64`);
  }
  return { op: "write", key, value: Buffer.from(encoded, "base64"), generation };
}

function read(data: Data, keyspace: string, key: string): string {
  try {
    const { value, generation, position } = data.reads.read(keyspace, key, null);
    const standing = { generation: generation.toString(), position: formatPosition(position) };
    if (value === null) return JSON.stringify({ status: 404, code: "not-found", ...standing });
    return JSON.stringify({ status: 200, value: value.toString("base64"), ...standing });
  } catch (error) {
    return JSON.stringify(problemOf(error));
  }
}

function answerOf(result: WriteResult): string {
  if (result instanceof ProblemError) return JSON.stringify(result.problem satisfies Problem);
  const { generation, position } = result;
  return `{"status":204,"generation":"${generation}","position":"${formatPosition(position)}"}`;
}
