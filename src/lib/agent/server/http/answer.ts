import type { FastifyReply } from "fastify";
import { encodeJson } from "../../protocol/json.js";

export async function json(reply: FastifyReply, value: unknown): Promise<FastifyReply> {
  return reply.header("content-type", "application/json").send(encodeJson(value));
}
