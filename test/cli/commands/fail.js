import { readFileSync } from "node:fs";
import { Args } from "@oclif/core";
import { OpsError } from "../lib/errors.js";
import { BaseCommand } from "../lib/cli/base.js";

const WAYS = {
  refused() {
    const more = { hint: "do it better", details: { at: 7n } };
    throw new OpsError("not-that-way", 3, "sh-1a refused it", more);
  },
  bug() {
    return undefined.nothing;
  },
  full() {
    throw Object.assign(new Error("ENOSPC: no space left"), { code: "ENOSPC", path: "/data" });
  },
  missing() {
    readFileSync("/does/not/exist");
  },
  later() {
    setTimeout(() => {
      throw new Error("from a timer");
    }, 1);
    return new Promise((resolve) => {
      setTimeout(resolve, 10_000);
    });
  },
  rejection() {
    void Promise.reject(new OpsError("lost", 9, "nobody awaited this"));
    return new Promise((resolve) => {
      setTimeout(resolve, 10_000);
    });
  },
  text() {
    // oxlint-disable-next-line no-throw-literal, only-throw-error
    throw "just text";
  },
};

export default class Fail extends BaseCommand {
  static args = { way: Args.string({ required: true }) };

  async run() {
    await WAYS[this.args.way]();
    return {};
  }
}
