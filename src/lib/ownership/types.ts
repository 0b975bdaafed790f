/** A node of the topology, by its id. */
export type NodeId = string;

/**
 * A place in the history of a segment entry: the generation of the primary that accepted the write, and that primary's log
 * sequence. Ordered by generation, then index. Positions of different entries are never compared.
 */
export interface LogPosition {
  readonly generation: bigint;
  readonly index: bigint;
}

/** The source's durable decision: this entry went to `to`. Kept until the source is primary again. */
export interface Handed {
  readonly to: NodeId;
  /** The generation that `to` reigns at. */
  readonly generation: bigint;
  readonly attempt: string;
  readonly token: string;
  /** P: the last position of the old reign. Whoever reigns next must have it. */
  readonly position: LogPosition;
}

/** Who a node is for one entry, as it survives a crash. Stored by the engine in the same environment as the data. */
export type Durable = {
  /**
   * Primary: the generation it reigns at. Others: that of its last own reign, or of the one it handed over to; 0 for neither.
   * It lags where others took over from each other: what a follower knows is `knownGeneration(durable, cursor)`.
   */
  readonly generation: bigint;
  readonly handed: Handed | null;
} & (
  | { readonly role: "primary" }
  | { readonly role: "follower"; readonly source: NodeId }
  | {
      readonly role: "claiming";
      readonly source: NodeId;
      readonly attempt: string;
      /** The generation it wants to reign at, above that of the source: see `reignAbove`. */
      readonly next: bigint;
    }
);

/** A durable state whose `persist` has been asked for and has not been reported yet: on disk or not, a crash decides. */
type Pending = { readonly pending: Durable };

/** What a crash loses. */
export type Phase =
  | { readonly kind: "idle" }
  // Source (durably primary).
  | {
      readonly kind: "fenced";
      readonly attempt: string;
      readonly token: string;
      readonly to: NodeId;
      readonly next: bigint;
      /** Null until every admitted write has flushed. */
      readonly final: LogPosition | null;
    }
  | ({
      readonly kind: "handing";
      readonly attempt: string;
      readonly to: NodeId;
      /** The requests that wait for the commit. */
      readonly owed: readonly ("handover" | "resolve")[];
    } & Pending)
  // Target, durably still a follower.
  | ({
      readonly kind: "recording";
      readonly attempt: string;
      readonly budgetMs: number;
      readonly giveUpMs: number;
      /** Cancelled while the claim was on its way to the disk: no fence is sent. */
      readonly abandoned: boolean;
    } & Pending)
  | ({ readonly kind: "repointing" } & Pending)
  // Target (durably claiming).
  | { readonly kind: "asking"; readonly budgetMs: number }
  | { readonly kind: "catching-up"; readonly token: string; readonly final: LogPosition }
  | {
      readonly kind: "offering";
      readonly token: string;
      /** The own durable position, at or after the fence's final one. */
      readonly position: LogPosition;
    }
  /** Given up: never sends that handover again; only the source's answer leads out. */
  | { readonly kind: "resolving"; readonly why: Why }
  | ({ readonly kind: "releasing"; readonly attempt: string; readonly why: Why } & Pending)
  // Target, durably claiming or (after an offer) a follower.
  /** The source is known to have handed over; waits for the own durable position to reach P. */
  | {
      readonly kind: "promoting";
      readonly handed: Pick<Handed, "attempt" | "generation" | "position">;
    }
  | ({ readonly kind: "crowning"; readonly attempt: string } & Pending);

/** One entry on one node. */
export interface State {
  /** Reported as flushed. */
  readonly durable: Durable;
  readonly phase: Phase;
  /** Attempts whose fence ended in this reign since the start of the process, newest last, bounded. */
  readonly ended: readonly string[];
}

/** Asked by the target. Each is answered, by the attempt and the kind of the request. */
export type Request =
  | {
      readonly kind: "fence";
      readonly attempt: string;
      readonly next: bigint;
      readonly budgetMs: number;
    }
  | {
      readonly kind: "handover";
      readonly attempt: string;
      readonly token: string;
      /** The target's own durable position. */
      readonly position: LogPosition;
    }
  | { readonly kind: "resolve"; readonly attempt: string };

/** The source's answers. `answers` is the kind of the request. */
export type Answer =
  /** All admitted writes are flushed; none comes after `final` in this reign while the token lives. */
  | {
      readonly kind: "fenced";
      readonly answers: "fence";
      readonly attempt: string;
      readonly token: string;
      readonly final: LogPosition;
    }
  /** YES: durably handed over to the asker, at this position. */
  | {
      readonly kind: "handed";
      readonly answers: "handover" | "resolve";
      readonly attempt: string;
      readonly position: LogPosition;
    }
  /** NO: the attempt is dead here and nothing was handed over under it. */
  | { readonly kind: "released"; readonly answers: "resolve"; readonly attempt: string }
  /** Not done. Proves nothing about an earlier copy of the same request: the target resolves. */
  | {
      readonly kind: "refused";
      readonly answers: "fence" | "handover";
      readonly attempt: string;
      readonly reason: Refusal;
    };

export type Refusal =
  | "not-follower"
  | "not-primary"
  | "busy"
  | "wrong-generation"
  | "attempt-ended"
  | "fence-ended"
  | "behind";

/** Why a takeover was given up. Where the claim was abandoned while it was recorded: `cancelled`. */
export type Why = Refusal | "timed-out" | "cancelled" | "restarted";

/**
 * Sent unasked by a follower that holds `handed`, to the node it names: an answer to `resolve` that need not be asked for, and
 * healing for a target that forgot its claim. It may be late, and the reign it speaks of over: see `offer`. No answer.
 */
export interface Offer {
  readonly kind: "offer";
  readonly handed: Handed;
}

export type Message = Request | Answer | Offer;

export type Event =
  /** From the operator, checked by the agent first (epoch, streaming, verified, predicted pause). Attempt: 128 random bits. */
  | {
      readonly type: "takeover";
      readonly attempt: string;
      readonly next: bigint;
      /** Longest write pause, milliseconds, on the source's clock. */
      readonly budgetMs: number;
      /** The target resolves when it has not been handed the entry by then, milliseconds. */
      readonly giveUpMs: number;
    }
  /** The target's timer `attempt` fired. */
  | { readonly type: "timeout"; readonly attempt: string }
  /** The operator wants it back, or lost interest. */
  | { readonly type: "cancel"; readonly attempt: string }
  /** `token`: 128 fresh random bits for each delivery; used when the message makes a fence. */
  | {
      readonly type: "message";
      readonly from: NodeId;
      readonly message: Message;
      readonly token: string;
    }
  /** The request under way has no answer: ask again. For a holder of `handed`: its successor does not reign yet, offer. */
  | { readonly type: "retry" }
  /** The `persist` under way has flushed. */
  | { readonly type: "persisted" }
  /** Every write admitted before the fence has flushed; `position` is the entry's last. */
  | { readonly type: "drained"; readonly token: string; readonly position: LogPosition }
  /** The source's timer `token` fired. */
  | { readonly type: "deadline"; readonly token: string }
  /** The own cursor of the entry, flushed. */
  | { readonly type: "applied"; readonly position: LogPosition }
  /** Follow another copy. */
  | { readonly type: "repoint"; readonly source: NodeId };

export type Effect =
  /** Store, then report `persisted` once it has flushed. At most one is under way. A failure ends the process. */
  | { readonly kind: "persist"; readonly durable: Durable }
  | { readonly kind: "send"; readonly to: NodeId; readonly message: Message }
  /** Wait until the writes admitted so far have flushed, then report `drained` with this token. */
  | { readonly kind: "drain"; readonly token: string }
  /** Start a timer on the monotonic clock; report `deadline` or `timeout` with its id (the token or the attempt). */
  | {
      readonly kind: "arm";
      readonly timer: "deadline" | "timeout";
      readonly id: string;
      readonly ms: number;
    }
  /** Done synchronously: the timer does not fire after this. */
  | { readonly kind: "disarm"; readonly id: string }
  /** Apply unthrottled; report `applied` now, and each time the flushed cursor moves, until it is at `until`. */
  | { readonly kind: "catch-up"; readonly until: LogPosition }
  /** For the operator: how a takeover that was asked of this node ended. */
  | {
      readonly kind: "outcome";
      readonly attempt: string;
      /** `released`: the source reigns on, for certain. `refused`: nothing was begun. */
      readonly outcome: "taken" | "released" | "refused";
      /** Null for `taken`. */
      readonly why: Why | null;
    };

export interface Transition {
  readonly state: State;
  readonly effects: readonly Effect[];
}

/** How far a copy is. Durable, with the rows it speaks of, in one transaction. */
export type Copy =
  | {
      readonly phase: "copying";
      /** Where the first snapshot was pinned: changes are replayed from here. Null before the first chunk. */
      readonly first: LogPosition | null;
      /** Where the newest snapshot was pinned. */
      readonly last: LogPosition | null;
      /** The last key that was copied; null for none. */
      readonly key: string | null;
    }
  | {
      readonly phase: "streaming";
      /** The copy is a state that existed only once the cursor is here. */
      readonly readableFrom: LogPosition;
    };

/** One change, or a progress frame, of a link's stream. */
export interface Frame {
  readonly link: string;
  /** The position of the frame before it in this stream; for the first, where the target asked to start. */
  readonly prev: LogPosition;
  readonly position: LogPosition;
}

/** Somebody who says now that it is primary. */
export interface Reign {
  readonly node: NodeId;
  readonly generation: bigint;
}
