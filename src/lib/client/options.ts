/** Where the client is and how patient it may be. */
export interface ClientOptions {
  /** Agents to ask for the first route tables, any of the cluster; later also those in the tables are asked. */
  readonly agents: readonly string[];
  /** The caller's own region and set: copies there are read first. Without them every copy is equally far. */
  readonly region?: string;
  readonly set?: string;
  /** For one access with all its redirects and retries. Default 5,000. */
  readonly deadlineMs?: number;
  /** Every read sees this client's own last write of the key. Default false. */
  readonly readYourWrites?: boolean;
  /**
   * Repeat a write whose connection the node closed before it answered (it crashed, or was restarted). Such a request is settled, so
   * repeating it can only write the same value again, and this client lets no later write of the key overtake it. But *another*
   * client's write between the two would be overwritten: set it only where a key has one writer at a time. A write that timed out is
   * never repeated, as the first request may still arrive and would overwrite what was written after it. Default false.
   */
  readonly retryUnknown?: boolean;
  /** Requests under way at once. Default 256. */
  readonly maxInFlight?: number;
  /** Requests that may wait beside those; above it they fail at once with `overloaded`. Default 10,000. */
  readonly maxQueued?: number;
}

export interface Settings {
  readonly agents: readonly string[];
  readonly place: { readonly region: string; readonly set: string };
  readonly deadlineMs: number;
  readonly readYourWrites: boolean;
  readonly retryUnknown: boolean;
  readonly maxInFlight: number;
  readonly maxQueued: number;
}

/** Throws RangeError for options that cannot be meant. */
export function settingsOf(options: ClientOptions): Settings {
  if (options.agents.length === 0)
    throw new RangeError("a client needs the URL of at least one agent");
  return {
    agents: options.agents.map(baseUrl),
    place: { region: options.region ?? "", set: options.set ?? "" },
    deadlineMs: positive("deadlineMs", options.deadlineMs ?? 5_000),
    readYourWrites: options.readYourWrites ?? false,
    retryUnknown: options.retryUnknown ?? false,
    maxInFlight: positive("maxInFlight", options.maxInFlight ?? 256),
    maxQueued: options.maxQueued === 0 ? 0 : positive("maxQueued", options.maxQueued ?? 10_000),
  };
}

function baseUrl(text: string): string {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new RangeError(`agent ${JSON.stringify(text)} is not an http URL`);
  }
  return text.replace(/\/+$/, "");
}

function positive(name: string, value: number): number {
  if (!Number.isSafeInteger(value) || value < 1)
    throw new RangeError(`${name} is ${value}: expected a positive integer`);
  return value;
}
