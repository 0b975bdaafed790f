import type { Engine } from "../../../engines/contract.js";
import { knownGeneration, ORIGIN } from "../../../ownership/position.js";
import type { LogPosition } from "../../../ownership/types.js";
import { ProblemError } from "../../protocol/problem.js";
import type { Holding, Holdings } from "../holdings.js";
import type { Routes } from "../routes.js";

/** Where an answer stands. */
export interface Standing {
  readonly generation: bigint;
  readonly position: LogPosition;
}

/** Who takes an access, as far as this node knows: for those whom it turns away. */
export class Owners {
  readonly #self: string;
  readonly #engine: Engine;
  readonly #holdings: Holdings;
  readonly #routes: Routes;

  constructor(deps: {
    readonly self: string;
    readonly engine: Engine;
    readonly holdings: Holdings;
    readonly routes: Routes;
  }) {
    this.#self = deps.self;
    this.#engine = deps.engine;
    this.#holdings = deps.holdings;
    this.#routes = deps.routes;
  }

  at(
    keyspace: string,
    position: bigint,
  ): { node: string; url: string | null; generation: bigint } | null {
    const holdings = this.#holdings;
    const routes = this.#routes;
    const self = this.#self;
    const holding = holdings.at(keyspace, position);
    const route = routes.segmentAt(keyspace, position);
    let owner =
      route === null
        ? null
        : { node: route.writer, url: routes.urlOf(route.writer), generation: route.generation };
    if (holding !== null && holding.state.durable.role === "primary") {
      owner = { node: self, url: routes.urlOf(self), generation: holding.state.durable.generation };
    } else if (holding?.entry.link) {
      const generation = this.standing(holding).generation;
      const { node, url } = holding.entry.link.source;
      if (owner === null || owner.node === self || generation > owner.generation)
        owner = { node, url, generation };
    }
    return owner;
  }

  /** Up to where the node has what it holds there, and of which reign. */
  standing(holding: Holding): Standing {
    const position = this.#engine.cursor(holding.keyspace, holding.lo) ?? ORIGIN;
    return { generation: knownGeneration(holding.state.durable, position), position };
  }

  /** 421: who takes the accesses of that position, as far as this node knows. Outside of the domain nobody will. */
  wrongNode(
    keyspace: string,
    position: bigint,
    why = `this node does not take that access of ${keyspace} at ${position}`,
  ): ProblemError {
    const owner = this.at(keyspace, position);
    const domain = this.#routes.domain(keyspace);
    if (owner === null && domain !== null && (position < domain.lo || position >= domain.hi)) {
      const where = `${position} is outside of the domain of ${keyspace}, [${domain.lo}, ${domain.hi})`;
      return new ProblemError(421, "wrong-node", where, { owner: null, node: null });
    }
    return new ProblemError(421, "wrong-node", why, {
      retryable: true,
      owner: owner?.url ?? null,
      node: owner?.node ?? null,
      generation: owner?.generation.toString() ?? null,
    });
  }

  /** 421: the node holds it, and nobody is sent to it. */
  nobodys(keyspace: string, position: bigint): ProblemError {
    const message = `no routes lead to ${keyspace} at ${position} any more, as far as this node knows`;
    return new ProblemError(421, "wrong-node", message, {
      retryable: true,
      owner: null,
      node: null,
      hint: "Not applied. Ask an agent for the routes: GET /v1/routes.",
    });
  }
}
