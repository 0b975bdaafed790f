const NAMES = ["profile", "avatar", "friends", "settings", "groups", "status"];
const FIELD = 10;

/**
 * Users with a few keys each, their uids evenly spread over [0, domain), and the values of those keys: 100 bytes that tell their
 * key and sequence number. A slot is the number of a key; those of a user lie together.
 */
export class People {
  readonly users: number;
  readonly keysEach: number;
  readonly #stride: number;

  constructor(users: number, keysEach: number, domain = users) {
    if (domain < users) throw new RangeError(`${users} users in a domain of ${domain}`);
    this.#stride = Math.floor(domain / users);
    if (keysEach < 1 || keysEach > NAMES.length)
      throw new RangeError(`${keysEach} keys each: expected 1 to ${NAMES.length}`);
    this.users = users;
    this.keysEach = keysEach;
  }

  get slots(): number {
    return this.users * this.keysEach;
  }

  userOf(slot: number): number {
    return Math.floor(slot / this.keysEach);
  }

  keyOf(slot: number): string {
    return `${this.userOf(slot) * this.#stride}/${NAMES[slot % this.keysEach]!}`;
  }

  /** Null for a key that is none of theirs. */
  slotOf(key: string): number | null {
    const slash = key.indexOf("/");
    const user = Number(key.slice(0, slash)) / this.#stride;
    const name = NAMES.indexOf(key.slice(slash + 1));
    if (
      slash < 1 ||
      !Number.isSafeInteger(user) ||
      user >= this.users ||
      name < 0 ||
      name >= this.keysEach
    )
      return null;
    return user * this.keysEach + name;
  }

  /** The slots of the users whose uids lie in [lo, hi): from the first one up to the second one, exclusive. */
  slotsIn(lo: bigint, hi: bigint): readonly [number, number] {
    const first = (uid: bigint): number =>
      Math.min(this.users, Math.ceil(Number(uid) / this.#stride));
    return [first(lo) * this.keysEach, first(hi) * this.keysEach];
  }

  valueOf(slot: number, sequence: number): string {
    return `${String(sequence).padStart(FIELD, "0")} ${this.keyOf(slot)} `.padEnd(VALUE_BYTES, "x");
  }

  /** The sequence number in a value of this slot; 0, which nobody writes, when the value is another one's. */
  sequenceIn(slot: number, value: Buffer): number {
    const text = value.toString("latin1");
    const sequence = Number(text.slice(0, FIELD));
    return Number.isSafeInteger(sequence) && text === this.valueOf(slot, sequence) ? sequence : 0;
  }
}

const VALUE_BYTES = 100;
