import { describe, expect, test } from "vitest";
import {
  acceptsFrames,
  acceptsWrites,
  answerOfAbsent,
  following,
  mayDiscard,
  mayDrop,
  mayRepoint,
  maySplit,
  reigning,
} from "../../src/lib/ownership/permissions.js";
import { ORIGIN } from "../../src/lib/ownership/position.js";
import type { Durable, Phase, State } from "../../src/lib/ownership/types.js";

const idle: Phase = { kind: "idle" };
const claim: Durable = {
  role: "claiming",
  source: "S",
  attempt: "a",
  next: 2n,
  generation: 0n,
  handed: null,
};
const handed: Durable = {
  role: "follower",
  source: "T",
  generation: 2n,
  handed: { to: "T", generation: 2n, attempt: "a", token: "t", position: ORIGIN },
};
const fenced: Phase = { kind: "fenced", attempt: "a", token: "t", to: "T", next: 2n, final: null };
const handing: Phase = { kind: "handing", attempt: "a", to: "T", owed: [], pending: handed };
const promoting: Phase = { kind: "promoting", handed: handed.handed! };
const crowning: Phase = { kind: "crowning", attempt: "a", pending: reigning(2n) };

const allowed = (durable: Durable, phase: Phase = idle) => {
  const state: State = { durable, phase, ended: [] };
  const reign = { node: "N", generation: 2n };
  return [
    acceptsWrites(state) && "writes",
    acceptsFrames(state) && "frames",
    mayDrop(state, reign) && "drop",
    mayDiscard(state, 2n) && "discard",
    mayRepoint(state) && "repoint",
    maySplit(state) && "split",
  ]
    .filter(Boolean)
    .join(" ");
};

describe("what a node may do", () => {
  test.each([
    ["a primary", reigning(1n), idle, "writes discard split"],
    ["a fenced primary", reigning(1n), fenced, ""],
    ["a primary that hands over", reigning(1n), handing, ""],
    ["a follower", following("S"), idle, "frames drop discard repoint split"],
    [
      "one that has handed over, once its successor reigns",
      handed,
      idle,
      "frames drop discard repoint split",
    ],
    ["a claim", claim, { kind: "asking", budgetMs: 1 }, "frames"],
    ["a claim that resolves", claim, { kind: "resolving", why: "cancelled" }, "frames"],
    ["a claim that will reign", claim, promoting, "frames"],
    ["a follower that will reign", following("S"), promoting, "frames"],
    ["one whose reign is on its way to the disk", claim, crowning, ""],
  ] satisfies [string, Durable, Phase, string][])("%s", (_, durable, phase, what) => {
    expect(allowed(durable, phase)).toBe(what);
  });
});

describe("a drop", () => {
  const state = (durable: Durable): State => ({ durable, phase: idle, ended: [] });
  test("is refused while nobody says that it reigns", () => {
    expect(mayDrop(state(following("S")), null)).toBe(false);
  });
  test("is refused on the word of an older reign: the successor may still need the record", () => {
    expect(mayDrop(state(handed), { node: "R", generation: 1n })).toBe(false);
  });
});

test("what reigns later than was seen is not discarded", () => {
  expect(mayDiscard({ durable: reigning(3n), phase: idle, ended: [] }, 2n)).toBe(false);
});

describe("a node without the entry", () => {
  test("says NO to resolve", () => {
    expect(answerOfAbsent({ kind: "resolve", attempt: "a" })).toEqual({
      kind: "released",
      answers: "resolve",
      attempt: "a",
    });
  });
  test("refuses a fence", () => {
    expect(answerOfAbsent({ kind: "fence", attempt: "a", next: 2n, budgetMs: 1 })).toMatchObject({
      kind: "refused",
      answers: "fence",
    });
  });
});
