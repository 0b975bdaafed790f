import { describe, expect, it } from "vitest";
import { policyFingerprint } from "../../../src/lib/schedule/change/assemble.js";
import { withLastChanges } from "../../../src/lib/schedule/change/last-changes.js";
import {
  changePolicy,
  entriesOnly,
  planned,
} from "../../../src/lib/schedule/change/policy-part.js";
import type { PolicyDocument, SiteChange } from "../../../src/lib/policy/document.js";
import { assertUsable, decodePolicy, encodePolicy } from "../../../src/lib/policy/wire.js";
import { NOW, POLICY, against, entry, proposed, rulesAgainst } from "./situation.js";

describe("anti-flap knows of changes that left no entry", () => {
  const change = (fields: Partial<SiteChange>): SiteChange => ({
    site: "sh-a",
    at: NOW - 20_000,
    what: "shift",
    isUndo: false,
    actor: "li",
    isReceiver: false,
    ...fields,
  });
  const after = (...changes: SiteChange[]) => ({ policy: { ...POLICY, changes } });

  it("for a mask, a disable or a drain of the site that they were about", async () => {
    for (const what of ["shift", "restore", "mask", "drain"])
      expect(await rulesAgainst({ mode: "mask" }, after(change({ what })))).toEqual(["anti-flap"]);
    const found = against(await proposed({}, after(change({ what: "restore", isUndo: true }))));
    expect(found.map(({ message }) => message)).toEqual([
      "sh-a was changed 20s ago (restore taken back, by li)",
    ]);
    expect(await rulesAgainst({}, after(change({ at: NOW - 60_000 })))).toEqual([]);
    expect(await rulesAgainst({}, after(change({ site: "sz-a" })))).toEqual([]);
  });

  it("but a site that burns is left at once by those who were just sent there, and in the middle of drills and rounds", async () => {
    for (const one of [
      change({ isReceiver: true }),
      change({ what: "drill", isReceiver: true }),
      change({ what: "drill" }),
      change({ what: "balance" }),
    ])
      for (const mode of ["mask", "weak", "strong"] as const)
        expect(await rulesAgainst({ mode }, after(one))).toEqual([]);
  });

  it("once for each site: the last one, entries among them", async () => {
    const both = {
      policy: { ...POLICY, entries: [entry({ since: NOW - 5_000 })], changes: [change({})] },
    };
    const found = against(await proposed({}, both));
    expect(found.map(({ message }) => message)).toEqual([
      "sh-a was changed 5s ago (mask, by me@here)",
    ]);
  });
});

describe("anti-flap, where the clock of whoever published is another one", () => {
  const changed = (at: number) => ({
    policy: {
      ...POLICY,
      changes: [{ site: "sh-a", at, what: "shift", isUndo: false, actor: "li", isReceiver: false }],
    },
  });

  it("what lies hours ahead is not just now, and hides no other change", async () => {
    const ahead = NOW + 2 * 3_600_000;
    expect(await rulesAgainst({}, changed(ahead))).toEqual([]);
    const { policy } = changed(ahead);
    const entries = [entry({ since: NOW - 5_000 })];
    const found = against(await proposed({}, { policy: { ...policy, entries } }));
    expect(found.map(({ message }) => message)).toEqual([
      "sh-a was changed 5s ago (mask, by me@here)",
    ]);
  });

  it("what is seconds ahead is now", async () => {
    const found = against(await proposed({}, changed(NOW + 30_000)));
    expect(found.map(({ message }) => message)).toEqual(["sh-a was changed 0s ago (shift, by li)"]);
  });
});

describe("the last change of each site is in the policy that a run publishes", () => {
  const plan = {
    change: { what: "shift", sites: ["sh-a"], reason: "r", actor: "li", overridden: [] },
    moves: [{ from: "sh-a", to: "sz-a", carrier: "telecom", province: "hebei", users: 1 }],
  };
  const [before, after] = [entriesOnly([]), entriesOnly([])].map((part, i) => ({
    ...part,
    classes: POLICY.classes.slice(i),
  }));
  const publish = (policy: PolicyDocument, isUndo: boolean, at: number) => {
    const published = isUndo
      ? { plan, before: after!, after: before!, isUndo }
      : { plan, before: before!, after: after!, isUndo };
    const made = changePolicy(policy, published.before, published.after, 1n);
    return withLastChanges(policy, made, published, at);
  };
  const about = { what: "shift", actor: "li", isUndo: false };

  it("of other fractions the sites that users leave, and those that get them; taken back the other way round", () => {
    const there = publish(POLICY, false, NOW);
    expect(there.changes).toEqual([
      { ...about, site: "sh-a", at: NOW, isReceiver: false },
      { ...about, site: "sz-a", at: NOW, isReceiver: true },
    ]);
    const back = publish(there, true, NOW + 1);
    expect(back.changes).toEqual([
      { ...about, site: "sh-a", at: NOW + 1, isUndo: true, isReceiver: true },
      { ...about, site: "sz-a", at: NOW + 1, isUndo: true, isReceiver: false },
    ]);
    expect(policyFingerprint(back)).toBe(policyFingerprint(POLICY));
    assertUsable(back);
    expect(decodePolicy(JSON.parse(JSON.stringify(encodePolicy(back))))).toEqual(back);
  });

  it("of entries the sites that they are for; what was published already is no change, and a site that is gone has none", () => {
    const mask = entriesOnly([planned(entry())]);
    const masking = { plan: { ...plan, moves: [] }, before, after: mask, isUndo: false };
    const kept = { ...about, site: "tj-a", at: NOW - 9, isReceiver: false };
    const policy = { ...POLICY, changes: [{ ...kept, site: "gone" }, kept] };
    const change = (known: PolicyDocument, at: number) =>
      withLastChanges(
        known,
        changePolicy(known, entriesOnly([]), mask, 1n),
        { ...masking, before: entriesOnly([]) },
        at,
      );
    const once = change(policy, NOW);
    expect(once.changes).toEqual([{ ...about, site: "sh-a", at: NOW, isReceiver: false }, kept]);
    expect(change(once, NOW + 5)).toEqual(once);
  });

  it("of entries that are over, when they are forgotten, none; of their end one", () => {
    const [standing, ended] = [entry(), entry({ expires: NOW - 60_000 })];
    const restore = { ...plan, moves: [], change: { ...plan.change, what: "restore" } };
    const publishFrom = (from: typeof standing, to: readonly (typeof standing)[]) => {
      const [was, will] = [entriesOnly([planned(from)]), entriesOnly(to.map(planned))];
      const known = { ...POLICY, entries: [from] };
      const published = { plan: restore, before: was, after: will, isUndo: false };
      return withLastChanges(known, changePolicy(known, was, will, 1n), published, NOW).changes;
    };
    expect(publishFrom(ended, [])).toBeUndefined();
    expect(publishFrom(standing, [{ ...standing, expires: NOW }])).toMatchObject([
      { site: "sh-a", what: "restore" },
    ]);
  });

  it("of a first policy, which moves nobody, none", () => {
    const first = { plan: { ...plan, moves: [] }, before: before!, after: after!, isUndo: false };
    const made = changePolicy(POLICY, first.before, first.after, 1n);
    expect(withLastChanges(POLICY, made, first, NOW)).not.toHaveProperty("changes");
  });
});
