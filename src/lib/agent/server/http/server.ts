import fastify, { type FastifyInstance, type HTTPMethods } from "fastify";
import type { Base, Role } from "../roles/role.js";
import { controlRoutes } from "./control.js";
import { openApi } from "./openapi.js";
import { notFound, problemOf, sendProblem, wrongMethod } from "./problems.js";

/** Largest JSON body: a route table or a change request of 100,000 segments. */
const BODY_BYTES = 32 * 1024 * 1024;

const METHODS: readonly HTTPMethods[] = [
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "PATCH",
  "DELETE",
  "OPTIONS",
];

declare module "fastify" {
  interface FastifyContextConfig {
    /** The route is only there to refuse the methods that its path does not take. */
    refuses?: true;
  }
}

export interface HttpServer {
  readonly app: FastifyInstance;
  /** `METHOD /path` of every route, as registered; complete once the app is ready. */
  readonly routes: readonly string[];
}

export function httpServer(base: Base, role: Role): HttpServer {
  const app: FastifyInstance = fastify({
    // A URL that cannot be decoded never reaches the error handler.
    frameworkErrors: (error, _request, reply) => void sendProblem(reply, problemOf(error)),
    bodyLimit: BODY_BYTES,
    routerOptions: { maxParamLength: 4_096 },
    forceCloseConnections: true,
    keepAliveTimeout: 75_000,
    // No route has a schema for fastify: its compilers (ajv) would only be loaded.
    schemaController: { compilersFactory: { buildValidator: unused, buildSerializer: unused } },
  });
  const routes: string[] = [];
  const taken = new Map<string, Set<string>>();
  app.addHook("onRoute", ({ method, url, config }) => {
    if (config?.refuses === true) return;
    const methods = taken.get(url) ?? new Set();
    taken.set(url, methods);
    for (const one of [method].flat()) {
      methods.add(one);
      if (one !== "HEAD") routes.push(`${one} ${url}`);
    }
  });
  app.removeContentTypeParser(["text/plain"]);
  app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, payload, done) =>
    done(null, payload),
  );
  app.setErrorHandler((error, request, reply) => {
    const told = problemOf(error);
    if (told.status >= 500 && told.code === "internal")
      base.logger.error(
        { err: error, method: request.method, url: request.url },
        "a request failed",
      );
    return sendProblem(reply, told);
  });
  app.setNotFoundHandler(notFound);
  app.addHook("onResponse", (request, reply, done) => {
    const route = request.routeOptions.url ?? "unknown";
    const labels = { method: request.method, route, status: String(reply.statusCode) };
    base.metrics.requests.observe(labels, reply.elapsedTime / 1000);
    done();
  });

  app.get("/livez", async () => ({ status: "live", node: base.self().node }));
  app.get("/readyz", async (_request, reply) => {
    const ready = !base.stopping.aborted;
    return reply
      .status(ready ? 200 : 503)
      .send({ status: ready ? "ready" : "stopping", ...role.readiness() });
  });
  app.get("/metrics", async (_request, reply) =>
    reply.header("content-type", base.metrics.contentType).send(await base.metrics.text()),
  );
  app.get("/openapi.json", async () => openApi(base.version, role.kind));
  for (const group of role.groups) group(app);
  controlRoutes(app, base, role);
  // Last, when all others are known.
  void app.register(async (rest) => {
    for (const [url, methods] of taken) {
      const others = METHODS.filter((one) => !methods.has(one));
      const handler = wrongMethod([...methods].toSorted());
      rest.route({ method: others, url, handler, config: { refuses: true } });
    }
  });
  return { app, routes };
}

function unused(): never {
  throw new Error("bodies are checked by the zod shapes of agent/protocol");
}
