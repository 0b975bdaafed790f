import { EXIT, OpsError } from "../errors.js";
import type { Pace } from "../schedule/change/intent.js";
import type { Topology } from "../topology/types.js";

/** The sets that names of sets, idcs and regions mean. Throws `no-such-site` (exit 64). */
export function sitesNamed({ sets }: Topology, names: readonly string[]): string[] {
  const found = names.flatMap((name) => {
    const meant = sets.filter(({ id, idc, region }) => [id, idc, region].includes(name));
    if (meant.length > 0) return meant.map(({ id }) => id);
    throw new OpsError(
      "no-such-site",
      EXIT.usage,
      `the topology has no set, idc or region ${name}`,
      {
        hint: "ops topology show lists them",
      },
    );
  });
  return [...new Set(found)];
}

/** `sz-1-a=60,tj-1-a=40`: sets with their weights. Throws `bad-flag` (exit 64). */
export function weightsNamed({ sets }: Topology, text: string): Map<string, number> {
  const weights = new Map<string, number>();
  for (const part of text.split(",")) {
    const [name = "", weight = "1"] = part.split("=");
    const isWeight = Number(weight) > 0 && Number.isFinite(Number(weight));
    if (sets.some(({ id }) => id === name) && isWeight) weights.set(name, Number(weight));
    else {
      throw new OpsError(
        "bad-flag",
        EXIT.usage,
        `--to ${part}: not a set of the topology with its part`,
        {
          hint: "for example --to sz-1-a=60,tj-1-a=40",
        },
      );
    }
  }
  return weights;
}

/** Throws `bad-flag` (exit 64) for a reason of nothing but blanks. */
export function assertSaying(reason: string): void {
  if (reason.trim() !== "") return;
  throw new OpsError("bad-flag", EXIT.usage, "--reason says nothing", {
    hint: "for example --reason 'packet loss at the border'",
  });
}

export async function countNamed(name: string, text: string): Promise<number> {
  const { readCount } = await import("../topology/units.js");
  const read = readCount(text);
  if (read.ok && read.value > 0n) return Number(read.value);
  const problem = read.ok ? "at least one" : read.problem;
  throw new OpsError("bad-flag", EXIT.usage, `--${name} ${text}: ${problem}`, {
    hint: "for example 10M or 2000",
  });
}

/** 0..1. Throws `bad-flag` (exit 64), also for nothing at all. */
export async function shareNamed(name: string, text: string): Promise<number> {
  const { readPercent } = await import("../topology/units.js");
  const read = readPercent(text);
  if (read.ok && read.value > 0) return read.value / 100;
  const problem = read.ok ? "it must be more than 0%" : read.problem;
  throw new OpsError("bad-flag", EXIT.usage, `--${name} ${text}: ${problem}`, {
    hint: "for example 5%",
  });
}

/** Throws `bad-flag` (exit 64), also for no time at all and for more than `most` ms. */
export async function milliseconds(name: string, text: string, most: number): Promise<number> {
  const { readDuration } = await import("../topology/units.js");
  const read = readDuration(text);
  if (read.ok) {
    const ms = Number(read.value);
    if (ms > 0 && ms <= most) return ms;
    const { durationText } = await import("../figures.js");
    throw new OpsError(
      "bad-flag",
      EXIT.usage,
      `--${name} ${text}: it must be more than 0, and at most ${durationText(most)}`,
    );
  }
  throw new OpsError("bad-flag", EXIT.usage, `--${name} ${text}: ${read.problem}`, {
    hint: read.hint,
  });
}

export function paceNamed(text: string): Pace {
  if (text === "auto" || text === "unpaced") return { kind: text };
  const perSecond = Number(text.replace(/\/s$/, ""));
  if (perSecond > 0 && Number.isFinite(perSecond)) return { kind: "rate", perSecond };
  throw new OpsError("bad-flag", EXIT.usage, `--pace ${text} is no pace`, {
    hint: "auto, unpaced, or logins a second: 500",
  });
}
