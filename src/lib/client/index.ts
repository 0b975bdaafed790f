export { createClient, type Client, type GetOptions } from "./client.js";
export type { ClientOptions } from "./options.js";
export type { BatchOp } from "./batch-wire.js";
export type { BatchResult } from "./batch.js";
export type { Found } from "./reads.js";
export type { Written } from "./writes.js";
export type { ClientMetrics, Latency } from "./metrics.js";
export { ClientError, UnknownOutcome } from "./errors.js";
