import { countText, durationText } from "../figures.js";
import type { UserMove, UserPlan } from "../plan/users/types.js";
import { isSomeone } from "../schedule/types.js";
import { columns } from "./columns.js";
import { groupBy } from "./group.js";
import { percentText } from "./share.js";
import type { TextOptions } from "./text-options.js";

const WAYS_SHOWN = 20;
/** The carriers of a way are told in no less room than this. */
const NARROWEST = 30;

type Moving = Pick<UserPlan, "moves" | "uncounted">;

/** Who moves, and what that does to the sites that get them. */
export function whoMovesLines(plan: UserPlan, { width }: TextOptions): string[] {
  const ways = wayRows(plan, width);
  const { receivers } = plan;
  return [
    ...(ways.length === 0 ? [] : ["", "Who moves", columns(ways, width)]),
    ...(receivers.length === 0 ? [] : ["", "Where to", columns(receiverRows(plan), width)]),
  ];
}

/** How many, how fast, and what no pace is below; of sites that nobody counts, that this is not known. */
export function movesText(plan: UserPlan): string {
  const counted = plan.moves.filter(({ from }) => !plan.uncounted.includes(from));
  const parts = [
    ...(total(counted) < 1 ? [] : [countedText(plan, Math.round(total(counted)))]),
    ...(plan.uncounted.length === 0 ? [] : [uncountedText(plan)]),
  ];
  return parts.join("; besides, ") || "nobody who is connected";
}

function countedText(
  { change, pace: { perSecond, seconds, boundSeconds } }: UserPlan,
  users: number,
): string {
  if (change.what === "mask") return `of ${countText(users)} users those who log in while it lasts`;
  if (perSecond === null) return `${countText(users)} users, all at once`;
  const least =
    boundSeconds === null
      ? "a site that gets some takes no more logins now"
      : `no pace takes less than ${durationText(boundSeconds * 1000)}`;
  const bound = `${durationText(seconds * 1000)}; ${least}`;
  return `${countText(users)} users, ${countText(Math.round(perSecond))} a second: ${bound}`;
}

/** Its users come by themselves, or have come: whoever is elsewhere already is counted there. */
function uncountedText({ moves, uncounted }: Moving): string {
  const guess = total(moves.filter(({ from }) => uncounted.includes(from)));
  const many = isSomeone(guess)
    ? `an estimate by the policy and the users of the others is ${countText(Math.round(guess))}, some of whom may be elsewhere already`
    : "there is not even an estimate";
  return `nobody knows how many of ${uncounted.join(", ")}, where no gateway answers: ${many}; they log in by themselves, and when is not known`;
}

/** Every way between two sites, with the carriers of its users: as many by name as there is room for. */
function wayRows({ moves, uncounted }: Moving, width: number): string[][] {
  const ways = groupBy(moves, ({ from, to }) => JSON.stringify([from, to]))
    .map((way) => ({ way, users: total(way) }))
    .filter(({ users }) => isSomeone(users))
    .toSorted((a, b) => b.users - a.users);
  const shown = ways.slice(0, WAYS_SHOWN).map(({ way, users }) => {
    const [{ from, to }] = way;
    const about = uncounted.includes(from) ? "about " : "";
    return { way, cells: [`  ${from} -> ${to}`, `${about}${countText(Math.round(users))}`] };
  });
  const used = [0, 1].map((i) => Math.max(0, ...shown.map(({ cells }) => cells[i]!.length + 2)));
  const room = Math.max(NARROWEST, width - used[0]! - used[1]!);
  const rows = shown.map(({ way, cells }) => [...cells, carriersText(way, room)]);
  const more = ways.length - shown.length;
  return more === 0 ? rows : [...rows, [`  and ${more} more`, "", ""]];
}

/** `telecom 600, unicom 400 and 3 more carriers`; `12 carriers` where not one fits. */
function carriersText(way: readonly UserMove[], room: number): string {
  const carriers = groupBy(way, ({ carrier }) => carrier)
    .map((of) => ({ carrier: of[0].carrier, users: total(of) }))
    .filter(({ users }) => isSomeone(users))
    .toSorted((a, b) => b.users - a.users);
  if (carriers.length === 1) return carriers[0]!.carrier;
  const names = carriers.map(({ carrier, users }) => `${carrier} ${countText(Math.round(users))}`);
  for (let named = names.length; named > 0; named -= 1) {
    const left = names.length - named;
    const text = `${names.slice(0, named).join(", ")}${left === 0 ? "" : ` and ${left} more ${left === 1 ? "carrier" : "carriers"}`}`;
    if (text.length <= room) return text;
  }
  return `${carriers.length} carriers`;
}

function receiverRows({ receivers, moves, uncounted }: UserPlan): string[][] {
  return receivers.map(({ site, limit, before, after, logins }) => {
    const came = moves.filter(({ to }) => to === site);
    const guessed = total(came.filter(({ from }) => uncounted.includes(from)));
    const about = isSomeone(guessed) ? "about " : "";
    const users = `${countText(Math.round(before))} -> ${about}${countText(Math.round(after))} users`;
    const full = `${percentText(limit.before / limit.users)} -> ${about}${percentText(limit.after / limit.users)} ${limit.what}`;
    const planned = logins.planned === null ? "all at once" : countText(Math.round(logins.planned));
    // Whoever comes by himself comes besides.
    const rate = isSomeone(guessed)
      ? isSomeone(total(came) - guessed)
        ? `${planned} and more`
        : "?"
      : planned;
    return [
      `  ${site}`,
      users,
      full,
      `logins/s ${countText(logins.now)} -> ${rate} of ${countText(logins.limit)}`,
    ];
  });
}

function total(moves: readonly Pick<UserMove, "users">[]): number {
  return moves.reduce((sum, { users }) => sum + users, 0);
}
