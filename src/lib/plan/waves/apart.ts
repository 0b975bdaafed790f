import { RisksAtOnce, type Risks } from "./risks.js";

/** Waves in which only so much is put at risk at once, each thing in the first that it goes into. Where nothing is, one wave. */
export function apart<T>(things: readonly T[], risksOf: (thing: T) => Risks): T[][] {
  const waves: { readonly things: T[]; readonly risks: RisksAtOnce }[] = [];
  for (const thing of things) {
    const risks = risksOf(thing);
    let wave = waves.find((one) => one.risks.hasRoomFor(risks));
    if (!wave) {
      wave = { things: [], risks: new RisksAtOnce() };
      waves.push(wave);
    }
    wave.things.push(thing);
    wave.risks.add(risks);
  }
  return waves.map((wave) => wave.things);
}
