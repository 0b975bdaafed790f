/** Why a copy does not go as fast as it could. */
export type ThrottleReason = "none" | "limit" | "foreground";

export type LinkPhase = "copying" | "catching-up" | "streaming" | "disconnected";

/** What a link is doing now, for people; the durable part is in the stored entry. Times are of the monotonic clock, ms. */
export class LinkState {
  phase: LinkPhase = "disconnected";
  rows = 0;
  bytes = 0;
  bytesPerSecond = 0;
  restarts = 0;
  error: string | null = null;
  throttle: { bytesPerSecond: number | null; reason: ThrottleReason } = {
    bytesPerSecond: null,
    reason: "none",
  };
  /** When the copy was last known to have everything that its source had. */
  caughtUpAt: number | null = null;
  /** For how long the source may hold changes back so that of a key only the last value is sent, ms; of all copies on the way. */
  heldMs = 0;
  phaseSince = performance.now();
  /** Up to where in the log of a process of the source everything of this segment is applied. */
  read: { readonly process: string; readonly through: bigint } | null = null;

  /** Of a node that has just handed its segment over: it has everything until then, and what it followed before its reign says nothing. */
  static ofHandedOver(): LinkState {
    const state = new LinkState();
    state.caughtUpAt = performance.now();
    return state;
  }

  enter(phase: LinkPhase): void {
    if (phase === this.phase) return;
    this.phase = phase;
    this.phaseSince = performance.now();
  }

  /** It does not follow now, and how stale it is grows from what was last known. */
  lose(why: string): void {
    this.error = why;
    this.enter("disconnected");
  }

  /** How stale the copy may be, ms; null while that is not known. */
  staleMs(): number | null {
    return this.caughtUpAt === null ? null : Math.max(0, performance.now() - this.caughtUpAt);
  }

  /** The same beyond what is held back on purpose: by how much it is late. */
  lagMs(): number | null {
    const stale = this.staleMs();
    return stale === null ? null : Math.max(0, stale - this.heldMs);
  }

  /** For the parts of a split. */
  copy(): LinkState {
    return Object.assign(new LinkState(), this, { throttle: { ...this.throttle } });
  }
}
