import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  createClient,
  UnknownOutcome,
  type Client,
  type ClientOptions,
} from "../../src/lib/client/index.js";
import { FakeAgent, problem, table, written, wrongNode } from "./fake-agent.js";

/** A busy machine may take its time. */
const eventually = <T>(read: () => T) => expect.poll(read, { timeout: 20_000 });

let a: FakeAgent;
let b: FakeAgent;
const clients: Client[] = [];

function client(options: Partial<ClientOptions> = {}): Client {
  const made = createClient({ agents: [a.url], deadlineMs: 2_000, ...options });
  clients.push(made);
  return made;
}

function routes(
  version: number,
  writer: "a" | "b",
  generation: number,
  readers: Record<string, number> = {},
): object {
  return table(version, { a: a.url, b: b.url }, [{ lo: 0, hi: 1000, writer, generation, readers }]);
}

beforeEach(async () => {
  a = await FakeAgent.start();
  b = await FakeAgent.start();
  a.serveRoutes(routes(1, "a", 3));
});

afterEach(async () => {
  await Promise.all(clients.splice(0).map((one) => one.close()));
  await Promise.all([a.stop(), b.stop()]);
});

describe("a write", () => {
  test("goes to the writer of its key, with the generation it was routed by", async () => {
    a.answer = () => written("3.17");
    expect(await client().put("profile", "42/avatar/small", "hello")).toEqual({ position: "3.17" });
    expect(a.accesses).toEqual(["PUT /v1/data/profile/42/avatar%2Fsmall"]);
    expect(a.requests[0]!.headers["ops-generation"]).toBe("3");
    expect(a.requests[0]!.body).toBe("hello");
  });

  test("follows a redirect, and the next write of that key goes there at once", async () => {
    a.answer = () => wrongNode(b.url, 4);
    b.answer = () => written("4.1");
    const one = client();
    await one.put("profile", "42", "x");
    await one.delete("profile", "42");
    expect(a.accesses).toHaveLength(1);
    expect(b.accesses).toEqual(["PUT /v1/data/profile/42", "DELETE /v1/data/profile/42"]);
    expect(b.requests.map(({ headers }) => headers["ops-generation"])).toEqual(["4", "4"]);
    expect(one.metrics().redirects).toBe(1);
  });

  test("repeats itself with the right generation when only that was wrong", async () => {
    a.answer = ({ headers }) =>
      headers["ops-generation"] === "5" ? written() : wrongNode(a.url, 5);
    await client().put("profile", "1", "x");
    expect(a.requests.map(({ headers }) => headers["ops-generation"])).toEqual(["3", "5"]);
  });

  test("does not follow a node that names an owner of an older reign", async () => {
    let asked = 0;
    a.answer = () => (++asked === 1 ? wrongNode(b.url, 2) : written());
    await client().put("profile", "1", "x");
    expect(b.accesses).toEqual([]);
  });

  test("waits while its range is fenced", async () => {
    let asked = 0;
    a.answer = () => (++asked < 3 ? problem(503, "moving", { retryAfterMs: 5 }) : written());
    const one = client();
    await one.put("profile", "1", "x");
    expect(asked).toBe(3);
    expect(one.metrics().fences.waited).toBe(1);
    expect(one.metrics().writes).toMatchObject({ count: 1, failed: 0, unknown: 0 });
  });

  test("gives up at its deadline, and says that nothing changed", async () => {
    a.answer = () => problem(503, "moving", { retryAfterMs: 5 });
    const failed = client({ deadlineMs: 60 }).put("profile", "1", "x");
    await expect(failed).rejects.toMatchObject({ name: "ClientError", code: "deadline" });
  });

  test("waits for a node that is not there yet", async () => {
    const { port } = b;
    await b.stop();
    a.serveRoutes(routes(2, "b", 3));
    const pending = client({ deadlineMs: 5_000 }).put("profile", "1", "x");
    b = await FakeAgent.start(port);
    b.answer = () => written("3.5");
    expect(await pending).toEqual({ position: "3.5" });
  });

  test("whose connection broke is reported as unknown, and not repeated", async () => {
    a.answer = () => "hang up";
    const one = client();
    const error = await one.put("profile", "1", "x").catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(UnknownOutcome);
    expect(error).toMatchObject({ open: false });
    expect(a.accesses).toHaveLength(1);
    expect(one.metrics().writes.unknown).toBe(1);
  });

  test("whose connection broke is repeated where the caller allows it", async () => {
    let asked = 0;
    a.answer = () => (++asked === 1 ? "hang up" : written("3.9"));
    expect(await client({ retryUnknown: true }).put("profile", "1", "x")).toEqual({
      position: "3.9",
    });
  });

  test("that timed out is never repeated: the first request may still arrive", async () => {
    a.answer = () => "silence";
    const error = await client({ retryUnknown: true, deadlineMs: 100 })
      .put("profile", "1", "x")
      .catch((e: unknown) => e);
    expect(error).toBeInstanceOf(UnknownOutcome);
    expect(error).toMatchObject({ open: true });
    expect(a.accesses).toHaveLength(1);
  });

  test("stays unknown when a repetition is refused: the first attempt may have taken effect", async () => {
    let asked = 0;
    a.answer = () => (++asked === 1 ? "hang up" : problem(400, "bad-request"));
    const failed = client({ retryUnknown: true }).put("profile", "1", "x");
    await expect(failed).rejects.toBeInstanceOf(UnknownOutcome);
  });

  test("of a node that could not flush is unknown", async () => {
    a.answer = () => problem(507, "storage", { outcome: "unknown" });
    await expect(client().put("profile", "1", "x")).rejects.toMatchObject({
      code: "unknown-outcome",
      open: false,
    });
  });

  test("waits for a follower that is not there, and nothing was changed meanwhile", async () => {
    let asked = 0;
    a.answer = () => (++asked < 3 ? problem(503, "no-follower", { retryAfterMs: 5 }) : written());
    const one = client();
    await one.put("profile", "1", "x");
    expect(one.metrics().writes).toMatchObject({ count: 1, failed: 0, unknown: 0 });
    a.answer = () => problem(503, "no-follower", { retryAfterMs: 5 });
    const [result] = await client({ deadlineMs: 60 }).batch("profile", [
      { op: "put", key: "1", value: "y" },
    ]);
    expect(result).toMatchObject({ error: { name: "ClientError", code: "deadline" } });
  });

  test("that no follower had in time is settled: unknown, or repeated where the caller allows it", async () => {
    const late = () => problem(504, "ack-timeout", { outcome: "unknown" });
    a.answer = late;
    await expect(client().put("profile", "1", "x")).rejects.toMatchObject({
      code: "unknown-outcome",
      open: false,
    });
    expect(a.accesses).toHaveLength(1);
    let asked = 0;
    a.answer = () => (++asked === 1 ? late() : written("3.9"));
    expect(await client({ retryUnknown: true }).put("profile", "1", "x")).toEqual({
      position: "3.9",
    });
  });

  test("of a key follows the one before, also while that one waits", async () => {
    const order: string[] = [];
    let asked = 0;
    a.answer = ({ body }) => {
      if (++asked === 1) return problem(503, "moving", { retryAfterMs: 30 });
      order.push(body);
      return written();
    };
    const one = client();
    await Promise.all(["1st", "2nd", "3rd"].map((value) => one.put("profile", "7", value)));
    expect(order).toEqual(["1st", "2nd", "3rd"]);
  });

  test("of a bad key, of an unknown keyspace or outside of the domain fails at once", async () => {
    const one = client();
    await expect(one.put("profile", "x", "1")).rejects.toMatchObject({ code: "bad-key" });
    await expect(one.put("nothing", "1", "1")).rejects.toMatchObject({ code: "no-route" });
    await expect(one.put("profile", "1000", "1")).rejects.toMatchObject({ code: "no-route" });
    expect(a.accesses).toEqual([]);
  });

  test("of a keyspace that was withdrawn fails at once, and goes on when it is back", async () => {
    a.answer = () => written("3.17");
    const one = client();
    await one.put("profile", "1", "x");
    a.serveRoutes({ ...routes(2, "a", 3), withdrawn: true });
    await eventually(() => one.metrics().routes["profile"]).toBe(2);
    await expect(one.put("profile", "1", "x")).rejects.toMatchObject({ code: "no-route" });
    await expect(one.get("profile", "1")).rejects.toMatchObject({ code: "no-route" });
    expect(a.accesses).toHaveLength(1);
    a.serveRoutes(routes(3, "a", 3));
    await eventually(() => one.metrics().routes["profile"]).toBe(3);
    await one.put("profile", "1", "x");
  });
});

describe("a read", () => {
  const value: () => ReturnType<FakeAgent["answer"]> = () => ({
    status: 200,
    body: "v",
    headers: { "ops-position": "3.4", "ops-lag-ms": "12" },
  });

  test("goes to the copy in the client's own set", async () => {
    a.serveRoutes(routes(2, "a", 3, { a: 100, b: 100 }));
    b.answer = value;
    const one = client({ region: "b", set: "b" });
    const found = await one.get("profile", "5");
    expect(found).toEqual({ value: Buffer.from("v"), position: "3.4", lagMs: 12 });
    expect(a.accesses).toEqual([]);
    expect(one.metrics().reads).toMatchObject({ sameSet: 1, elsewhere: 0, nearShare: 1 });
  });

  test("goes to another copy when the near one is down or not complete", async () => {
    a.serveRoutes(routes(2, "a", 3, { a: 100, b: 100 }));
    a.answer = value;
    const one = client({ region: "b", set: "b" });
    b.answer = () => problem(503, "not-readable");
    expect(await one.get("profile", "5")).toMatchObject({ position: "3.4" });
    await b.stop();
    expect(await one.get("profile", "5")).toMatchObject({ position: "3.4" });
    expect(one.metrics().reads).toMatchObject({ failed: 0, elsewhere: 2, nearShare: 0 });
  });

  test("that must see a write goes on to the owner when the copy is behind", async () => {
    a.serveRoutes(routes(2, "a", 3, { a: 100, b: 100 }));
    a.answer = ({ method }) => (method === "PUT" ? written("3.8") : value());
    b.answer = () => wrongNode(a.url, 3);
    const one = client({ region: "b", set: "b", readYourWrites: true });
    await one.put("profile", "5", "v");
    await one.get("profile", "5");
    expect(b.requests[0]!.headers["ops-min-position"]).toBe("3.8");
    expect(a.requests[1]!.headers["ops-min-position"]).toBe("3.8");
  });

  test("of a missing key is null; a 404 of something else is not taken for it", async () => {
    a.answer = ({ path }) =>
      path.endsWith("/5") ? problem(404, "not-found") : { status: 404, body: "no such page" };
    const one = client();
    expect(await one.get("profile", "5")).toBeNull();
    await expect(one.get("profile", "6")).rejects.toMatchObject({ code: "refused" });
  });

  test("fails at its deadline when no copy answers", async () => {
    a.answer = () => "hang up";
    const one = client({ deadlineMs: 50 });
    await expect(one.get("profile", "5")).rejects.toMatchObject({ code: "deadline" });
    expect(one.metrics().reads.failed).toBe(1);
  });
});

describe("a batch", () => {
  const lines = (body: string): { op: string; key: string; value?: string }[] =>
    body
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as never);

  test("goes to each writer once and gives the results in order", async () => {
    a.serveRoutes(
      table(2, { a: a.url, b: b.url }, [
        { lo: 0, hi: 500, writer: "a", generation: 3 },
        { lo: 500, hi: 1000, writer: "b", generation: 7 },
      ]),
    );
    const echo = (generation: number) => (request: { body: string }) => ({
      status: 200,
      body: lines(request.body)
        .map(({ key }) => JSON.stringify({ status: 204, position: `${generation}.${key}` }))
        .join("\n"),
    });
    a.answer = echo(3);
    b.answer = echo(7);
    const keys = ["900", "1", "901", "2"];
    const results = await client().batch(
      "profile",
      keys.map((key) => ({ op: "put", key, value: "v" }) as const),
    );
    expect(results).toEqual(
      ["7.900", "3.1", "7.901", "3.2"].map((position) => ({ status: "written", position })),
    );
    expect(a.requests).toHaveLength(1);
    expect(b.requests[0]!.headers["ops-generation"]).toBe("7");
  });

  test("tries again only what was fenced", async () => {
    let asked = 0;
    a.answer = ({ body }) => {
      asked += 1;
      const answers = lines(body).map(({ key }) =>
        asked === 1 && key === "2"
          ? { status: 503, code: "moving", outcome: "none" }
          : { status: 204, position: `3.${key}` },
      );
      return { status: 200, body: answers.map((one) => JSON.stringify(one)).join("\n") };
    };
    const results = await client().batch("profile", [
      { op: "put", key: "1", value: "v" },
      { op: "delete", key: "2" },
      { op: "put", key: "nobody", value: "v" },
    ]);
    expect(results.map(({ status }) => status)).toEqual(["written", "written", "failed"]);
    expect(lines(a.requests[1]!.body)).toEqual([{ op: "delete", key: "2" }]);
  });

  test("keeps the order of the ops on one key", async () => {
    a.answer = ({ body }) => ({
      status: 200,
      body: lines(body)
        .map(({ op }) =>
          JSON.stringify(op === "get" ? { status: 200, value: "dg==" } : { status: 204 }),
        )
        .join("\n"),
    });
    const results = await client().batch("profile", [
      { op: "put", key: "1", value: "v" },
      { op: "get", key: "1" },
      { op: "delete", key: "1" },
    ]);
    expect(results.map(({ status }) => status)).toEqual(["written", "found", "written"]);
    expect(a.requests.map(({ body }) => lines(body).map(({ op }) => op))).toEqual([
      ["put"],
      ["get"],
      ["delete"],
    ]);
  });

  test("sends no later write of a key whose earlier one may still take effect", async () => {
    a.answer = ({ body }) => ({
      status: 200,
      body: lines(body)
        .map(({ key }) =>
          JSON.stringify(
            key === "1"
              ? { status: 504, code: "slow", outcome: "unknown" }
              : { status: 204, position: `3.${key}` },
          ),
        )
        .join("\n"),
    });
    const results = await client().batch("profile", [
      { op: "put", key: "1", value: "v" },
      { op: "put", key: "2", value: "v" },
      { op: "delete", key: "1" },
      { op: "delete", key: "2" },
    ]);
    expect(results[0]).toMatchObject({ error: { code: "unknown-outcome", open: true } });
    expect(results[2]).toMatchObject({ error: { code: "refused" } });
    expect([results[1]?.status, results[3]?.status]).toEqual(["written", "written"]);
    const keys = a.requests.map(({ body }) => lines(body).map(({ key }) => key));
    expect(keys).toEqual([["1", "2"], ["2"]]);
  });

  test("whose answer is cut off leaves the rest unknown", async () => {
    a.answer = () => ({ status: 200, body: '{"status":204,"position":"3.1"}\n{"status":20' });
    const results = await client().batch("profile", [
      { op: "put", key: "1", value: "v" },
      { op: "put", key: "2", value: "v" },
    ]);
    expect(results[0]).toEqual({ status: "written", position: "3.1" });
    expect(results[1]).toMatchObject({ status: "failed", error: { code: "unknown-outcome" } });
  });
});

describe("route tables", () => {
  test("that are newer are used at once, and an older one is never", async () => {
    const one = client();
    a.answer = () => written();
    b.answer = () => written();
    await one.put("profile", "1", "x");
    a.serveRoutes(routes(3, "b", 4));
    await eventually(() => one.metrics().routes).toEqual({ profile: 3 });
    a.serveRoutes(routes(2, "a", 3));
    await one.put("profile", "1", "x");
    expect(b.accesses).toHaveLength(1);
  });

  test("come from another agent when the first is down", async () => {
    b.serveRoutes(routes(4, "b", 3));
    b.answer = () => written();
    await a.stop();
    const one = client({ agents: [a.url, b.url] });
    await one.put("profile", "1", "x");
    expect(one.metrics().routes).toEqual({ profile: 4 });
    a = await FakeAgent.start();
  });

  test("that no agent can give are waited for no longer than it takes to ask all of them", async () => {
    await a.stop();
    await expect(client().get("profile", "1")).rejects.toMatchObject({ code: "unreachable" });
    a = await FakeAgent.start();
  });
});

test("a client takes on no more accesses than it was told to", async () => {
  a.answer = () => new Promise(() => undefined);
  const one = client({ maxInFlight: 1, maxQueued: 1, deadlineMs: 50 });
  const first = [one.get("profile", "1"), one.get("profile", "2")];
  await expect(one.get("profile", "3")).rejects.toMatchObject({ code: "overloaded" });
  await Promise.allSettled(first);
});

test("a closed client refuses, and what was under way has an unknown outcome", async () => {
  a.answer = () => "silence";
  const one = client();
  const pending = one.put("profile", "1", "x").catch((error: unknown) => error);
  await eventually(() => a.accesses.length).toBe(1);
  await one.close();
  expect(await pending).toBeInstanceOf(UnknownOutcome);
  await expect(one.get("profile", "1")).rejects.toMatchObject({ code: "closed" });
});
