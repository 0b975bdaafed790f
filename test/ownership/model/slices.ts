import { acceptsFrame } from "../../../src/lib/ownership/copy.js";
import { next } from "../../../src/lib/ownership/machine.js";
import { following, maySplit, reigning } from "../../../src/lib/ownership/permissions.js";
import { comparePositions, ORIGIN } from "../../../src/lib/ownership/position.js";
import type {
  Durable,
  Event,
  LogPosition,
  Message,
  State,
} from "../../../src/lib/ownership/types.js";
import { Interned, type Model, type World } from "./explore.js";

type Slice = "A" | "B";
const SLICES: readonly Slice[] = ["A", "B"];
const NODES = ["S", "T"] as const;

interface Part {
  readonly range: "AB" | Slice;
  readonly durable: Durable;
  /** The position of the part's last entry on this node. */
  readonly cursor: LogPosition;
}

interface Logged extends LogPosition {
  readonly slice: Slice;
  readonly write: number;
}

interface Side {
  readonly parts: readonly Part[];
  readonly log: readonly Logged[];
  /** The node's own log sequence, shared by its parts. */
  readonly sequence: bigint;
  /** Only the mutant's: one cursor for everything that this node follows. */
  readonly one: LogPosition;
}

interface Cut {
  readonly sides: readonly [Side, Side];
  readonly written: number;
  readonly taken: number;
  readonly acknowledged: Readonly<Record<Slice, number>>;
}

/**
 * A segment that is split at different times on both nodes and taken over slice by slice, there and back, by the shipped
 * machine; each takeover runs at once (what can happen inside one is the other model's). What is checked: that cursors, streams
 * and positions stay right when slices of one log go in different directions.
 */
export class Slices implements Model {
  readonly initial: World;
  readonly #cuts = new Interned<Cut>();
  readonly #writes: number;
  readonly #takeovers: number;
  readonly #oneCursor: boolean;

  constructor(scope: { writes: number; takeovers: number; oneCursor: boolean }) {
    this.#writes = scope.writes;
    this.#takeovers = scope.takeovers;
    this.#oneCursor = scope.oneCursor;
    const side = (durable: Durable): Side => ({
      parts: [{ range: "AB", durable, cursor: ORIGIN }],
      log: [],
      sequence: 0n,
      one: ORIGIN,
    });
    const cut: Cut = {
      sides: [side(reigning(1n)), side(following("S"))],
      written: 0,
      taken: 0,
      acknowledged: { A: 0, B: 0 },
    };
    this.initial = [this.#cuts.number(cut)];
  }

  violation([number]: World): string | null {
    const { sides, acknowledged } = this.#cuts.value(number!);
    for (const slice of SLICES) {
      const writers = sides.filter((side) => partOf(side, slice).durable.role === "primary");
      if (writers.length !== 1) return "NOT ONE WRITER";
      const value = writers[0]!.log.findLast((entry) => entry.slice === slice)?.write ?? 0;
      if (value < acknowledged[slice]) return "LOST ACKNOWLEDGED WRITE";
      if (value !== acknowledged[slice]) return "ENTRY CAME BACK";
    }
    return null;
  }

  successors([number]: World, emit: (label: string, world: World) => void): void {
    const cut = this.#cuts.value(number!);
    const go = (label: string, after: Cut) => emit(label, [this.#cuts.number(after)]);
    for (const me of [0, 1] as const) {
      const side = cut.sides[me];
      if (side.parts.length === 1 && maySplit(idle(side.parts[0]!.durable))) {
        const parts = SLICES.map((range) => ({ ...side.parts[0]!, range }));
        go(`${NODES[me]} splits`, withSide(cut, me, { ...side, parts }));
      }
      for (const slice of SLICES) this.#write(cut, me, slice, go);
      for (const part of side.parts) {
        this.#stream(cut, me, part, go);
        this.#takeover(cut, me, part, go);
      }
    }
  }

  #write(cut: Cut, me: 0 | 1, slice: Slice, go: (label: string, after: Cut) => void): void {
    const side = cut.sides[me];
    const part = partOf(side, slice);
    if (part.durable.role !== "primary" || cut.written >= this.#writes) return;
    const position = { generation: part.durable.generation, index: side.sequence + 1n };
    const write = cut.written + 1;
    const after: Side = {
      ...replaced(side, { ...part, cursor: position }),
      log: [...side.log, { ...position, slice, write }],
      sequence: position.index,
    };
    go(`${NODES[me]} writes ${slice}=${write}`, {
      ...withSide(cut, me, after),
      written: write,
      acknowledged: { ...cut.acknowledged, [slice]: write },
    });
  }

  #stream(cut: Cut, me: 0 | 1, part: Part, go: (label: string, after: Cut) => void): void {
    const side = cut.sides[me];
    const source = cut.sides[1 - me]!;
    if (part.durable.role !== "follower") return;
    const cursor = this.#cursor(side, part);
    const entry = source.log.find(
      ({ slice, ...position }) =>
        part.range.includes(slice) && comparePositions(position, cursor) > 0,
    );
    if (!entry) return;
    const position = { generation: entry.generation, index: entry.index };
    if (!acceptsFrame(cursor, part.range, { link: part.range, prev: cursor, position })) return;
    // The log's own sequence goes on over what is replicated: one log per node.
    const after: Side = {
      ...replaced(side, { ...part, cursor: position }),
      log: [...side.log, entry],
      sequence: side.sequence + 1n,
      one: this.#oneCursor ? position : ORIGIN,
    };
    go(`${NODES[me]} applies ${entry.slice}=${entry.write}`, withSide(cut, me, after));
  }

  #takeover(cut: Cut, me: 0 | 1, part: Part, go: (label: string, after: Cut) => void): void {
    const other = (1 - me) as 0 | 1;
    const side = cut.sides[me];
    const source = cut.sides[other];
    const counterpart = source.parts.find(({ range }) => range === part.range);
    if (!counterpart || part.durable.role !== "follower" || cut.taken >= this.#takeovers) return;
    const cursor = this.#cursor(side, part);
    const ends = exchange(
      idle(part.durable),
      cursor,
      idle(counterpart.durable),
      counterpart.cursor,
      me,
    );
    if (!ends) return;
    const [target, old] = ends;
    const followsMore = source.parts.some(
      (p) => p !== counterpart && p.durable.role === "follower",
    );
    const handedSide: Side = {
      ...replaced(source, { ...counterpart, durable: old }),
      one: this.#oneCursor && !followsMore ? counterpart.cursor : source.one,
    };
    const sides = withSide(
      withSide(cut, me, replaced(side, { ...part, durable: target })),
      other,
      handedSide,
    );
    go(`${NODES[me]} takes over ${part.range}`, { ...sides, taken: cut.taken + 1 });
  }

  #cursor(side: Side, part: Part): LogPosition {
    return this.#oneCursor ? side.one : part.cursor;
  }
}

/** One takeover, uninterrupted: the durable states of target and source after it, or null if the target is behind. */
function exchange(
  target: State,
  targetCursor: LogPosition,
  source: State,
  sourceLast: LogPosition,
  me: 0 | 1,
): [Durable, Durable] | null {
  const [mine, theirs] = me === 0 ? NODES : (["T", "S"] as const);
  const nodes: Record<string, State> = { [mine]: target, [theirs]: source };
  const cursors: Record<string, LogPosition> = { [mine]: targetCursor, [theirs]: sourceLast };
  const reign = source.durable.generation + 1n;
  const todo: [string, Event][] = [
    [mine, { type: "takeover", attempt: `a${reign}`, next: reign, budgetMs: 1, giveUpMs: 1 }],
  ];
  for (let item = todo.shift(); item; item = todo.shift()) {
    const [id, event] = item;
    const { state, effects } = next(id, nodes[id]!, event);
    nodes[id] = state;
    for (const effect of effects) {
      if (effect.kind === "persist") todo.push([id, { type: "persisted" }]);
      if (effect.kind === "drain") {
        todo.push([id, { type: "drained", token: effect.token, position: cursors[id]! }]);
      }
      if (effect.kind === "catch-up") todo.push([id, { type: "applied", position: cursors[id]! }]);
      if (effect.kind === "send") todo.push([effect.to, receipt(id, effect.message)]);
    }
  }
  if (nodes[mine]!.durable.role !== "primary") return null;
  return [nodes[mine]!.durable, nodes[theirs]!.durable];
}

function receipt(from: string, message: Message): Event {
  return { type: "message", from, message, token: "t" };
}

function idle(durable: Durable): State {
  return { durable, phase: { kind: "idle" }, ended: [] };
}

function partOf(side: Side, slice: Slice): Part {
  return side.parts.find(({ range }) => range.includes(slice))!;
}

function replaced(side: Side, part: Part): Side {
  return { ...side, parts: side.parts.map((old) => (old.range === part.range ? part : old)) };
}

function withSide(cut: Cut, me: 0 | 1, side: Side): Cut {
  return { ...cut, sides: me === 0 ? [side, cut.sides[1]] : [cut.sides[0], side] };
}
