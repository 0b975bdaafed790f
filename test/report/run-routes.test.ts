import { expect, test } from "vitest";
import { routesText } from "../../src/lib/report/run-routes.js";
import { TABLE } from "../routing/table.js";

const OPTIONS = { width: 80, verbose: false };
const titleOf = (settings: (typeof TABLE)["settings"]) =>
  routesText([{ ...TABLE, settings }], OPTIONS).split("\n")[0];

test("routes tell settings that are not the usual ones", () => {
  expect(titleOf({ ack: "local", syncWindowMs: 0 })).toBe("profile  version 7, range");
  expect(titleOf({ ack: "follower", syncWindowMs: 1500 })).toBe(
    "profile  version 7, range, ack follower, sync window 1.5s",
  );
});
