import type { LoggedChange } from "../../engines/contract.js";
import { comparePositions } from "../../ownership/position.js";
import type { LogPosition } from "../../ownership/types.js";
import { changeBytes, changesBytes, type Frame } from "../protocol/frames.js";
import type { Lane } from "./lanes.js";

/** What is gathered before it is sent, of all segments of a stream together; more only where one step of the log is more. */
const MOST = { changes: 20_000, bytes: 2 * 1024 * 1024 };

interface Group {
  readonly lane: Lane;
  readonly prev: LogPosition;
  readonly after: bigint;
  at: LogPosition;
  /** How many changes it stands for. */
  of: number;
  /** Of frames for each of these. */
  plainBytes: number;
  /** By place where of each only the last value counts. */
  readonly changes: Map<string | number, Pick<LoggedChange, "place" | "value">>;
}

/**
 * The changes of a stream on their way from the log to frames. Those at one position of an entry always go together: somebody has made
 * one step of them. `coalesces`: all that are gathered of a segment become one step, with the last value of each key.
 */
export class Groups {
  readonly #coalesces: boolean;
  readonly #groups: Group[] = [];
  readonly #open = new Map<Lane, Group>();
  #changes = 0;
  #bytes = 0;
  #saved = 0;

  constructor(coalesces: boolean) {
    this.#coalesces = coalesces;
  }

  get coalesces(): boolean {
    return this.#coalesces;
  }

  get isEmpty(): boolean {
    return this.#groups.length === 0;
  }

  get isFull(): boolean {
    return this.#changes >= MOST.changes || this.#bytes >= MOST.bytes;
  }

  /** Whether a step of so much does not go with what is gathered: a step that others made grows no further here. */
  isCrowdedBy(step: { readonly changes: number; readonly bytes: number }): boolean {
    if (this.isEmpty) return false;
    return this.#changes + step.changes > MOST.changes || this.#bytes + step.bytes > MOST.bytes;
  }

  /** The next change of the lane. `at` is after the lane's cursor, or where the last change of the lane was. */
  add(lane: Lane, { place, value, at, sequence }: LoggedChange): void {
    let group = this.#open.get(lane);
    if (group === undefined || !(this.#coalesces || comparePositions(group.at, at) === 0)) {
      group = {
        lane,
        prev: lane.cursor,
        after: sequence - 1n,
        at,
        of: 0,
        plainBytes: 0,
        changes: new Map(),
      };
      this.#open.set(lane, group);
      this.#groups.push(group);
    }
    const key = this.#coalesces ? place.toString("latin1") : group.changes.size;
    const old = group.changes.get(key);
    this.#bytes += changeBytes({ place, value }) - (old === undefined ? 0 : changeBytes(old));
    this.#changes += old === undefined ? 1 : 0;
    group.changes.set(key, { place, value });
    group.of += 1;
    group.plainBytes += changeBytes({ place, value });
    group.at = at;
    lane.cursor = at;
  }

  /** Whether the change is of the step that the lane's last one is of. */
  continues(lane: Lane, at: LogPosition): boolean {
    const group = this.#open.get(lane);
    return group !== undefined && comparePositions(group.at, at) === 0;
  }

  /** By how many bytes what was taken since this was asked is less than every change by itself. */
  takeSaved(): number {
    const saved = this.#saved;
    this.#saved = 0;
    return saved;
  }

  /** Everything that was gathered, in the order of each segment's history. */
  take(): Frame[] {
    const frames = this.#groups.map((group): Frame => {
      const { lane, prev, after, at, of, plainBytes } = group;
      const segment = lane.index;
      const changes = [...group.changes.values()];
      if (of === 1) return { type: "change", segment, prev, at, ...changes[0]! };
      if (this.#coalesces) this.#saved += plainBytes - changesBytes(changes);
      return { type: "changes", segment, prev, at, after, of, changes };
    });
    this.#groups.length = 0;
    this.#open.clear();
    this.#changes = 0;
    this.#bytes = 0;
    return frames;
  }
}
