import type { Elsewhere } from "../schedule/change/elsewhere.js";
import type { SilentAgent } from "../schedule/change/situation.js";
import { asProblem } from "./failure.js";
import type { AccessSurvey } from "./observe-access.js";
import type { RunEnvironment } from "./session.js";

export interface ElsewhereSurvey {
  readonly elsewhere: readonly Elsewhere[];
  /** Gateways that do not say it; those of an earlier version do not know. */
  readonly silent: readonly SilentAgent[];
}

/** Asks the gateways that answered the survey whom they have who belongs to another site. */
export async function surveyElsewhere(
  { connect }: Pick<RunEnvironment, "connect">,
  { situation, nodes }: Pick<AccessSurvey, "situation" | "nodes">,
): Promise<ElsewhereSurvey> {
  const { gateways } = situation;
  const agents = await connect(
    Object.fromEntries(gateways.map(({ node }) => [node, nodes[node]!])),
  );
  const silent: SilentAgent[] = [];
  try {
    const answers = await Promise.all(
      gateways.map(async ({ node, site }) => {
        try {
          const { groups } = await agents.of(node).elsewhere();
          return groups.map((group): Elsewhere => ({ node, site, ...group }));
        } catch (error) {
          const why = `asked who belongs elsewhere: ${asProblem(error).message}`;
          silent.push({ node, site, role: "gateway", why });
          return [];
        }
      }),
    );
    return { elsewhere: answers.flat(), silent };
  } finally {
    await agents.close();
  }
}
