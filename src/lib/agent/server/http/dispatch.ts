import type { FastifyInstance } from "fastify";
import type { Quality } from "../../../access/quality.js";
import { parseUid } from "../../../keyspace/key.js";
import { OTHER } from "../../../policy/document.js";
import { qualityReports } from "../../protocol/access.js";
import { ProblemError } from "../../protocol/problem.js";
import type { DispatchMetrics } from "../dispatch-metrics.js";
import type { Policy } from "../policy.js";
import type { Ramps } from "../ramps.js";
import { json } from "./answer.js";
import { bad, body, integerParam, type Query } from "./read.js";

/** When a login that could not be told a place is to ask again. */
const ASK_AGAIN_MS = 1_000;

export interface DispatchServices {
  readonly policy: Policy;
  readonly ramps: Ramps;
  readonly quality: Quality;
  readonly answers: DispatchMetrics["answers"];
}

/** What logins ask, and what clients and probes report. */
export function dispatchRoutes(
  app: FastifyInstance,
  { policy, ramps, quality, answers }: DispatchServices,
): void {
  app.get<{ Querystring: Query }>("/v1/dispatch", (request, reply) => {
    const { query } = request;
    const uid = parseUid(query["uid"] ?? "");
    if (uid === null) throw bad("uid: expected a decimal number from 0 to 2^64 - 1");
    const { carrier = OTHER, province = OTHER } = query;
    const port = query["port"] === undefined ? null : integerParam(query, "port", 1, 65_535, 0);
    const { router } = policy;
    if (router === null) throw nowhere("no-policy", "this dispatcher has no policy yet");
    const answer = router.answer({ uid, carrier, province, port }, ramps.levels);
    answers.inc({ site: answer.site ?? "none" });
    if (answer.site === null)
      throw nowhere("no-site", "every site that this user could reach is masked");
    // Nothing in it is a bigint.
    return reply
      .header("content-type", "application/json")
      .send(JSON.stringify({ v: 1, ...answer }));
  });

  app.post("/v1/quality", async (request, reply) => {
    const { reports } = body(qualityReports, request);
    const { router } = policy;
    const now = performance.now();
    const gone = new Set<string>();
    let taken = 0;
    for (const { url = null, ...report } of reports) {
      if (router?.offers(report.site, url) === true) {
        if (quality.add({ ...report, url }, report, now)) taken += 1;
      } else if (url !== null && router !== null) gone.add(url);
    }
    const version = router?.document.version ?? null;
    return json(reply, { taken, ignored: reports.length - taken, version, gone: [...gone] });
  });

  app.get("/v1/quality", async (_request, reply) =>
    json(reply, { v: 1, figures: quality.figures(performance.now()) }),
  );
}

function nowhere(code: string, detail: string): ProblemError {
  return new ProblemError(503, code, detail, { retryable: true, retryAfterMs: ASK_AGAIN_MS });
}
