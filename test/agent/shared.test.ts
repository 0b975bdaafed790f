import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { Shared } from "../../src/lib/agent/client/shared.js";

interface Question {
  readonly answer: (value: number) => void;
  readonly fail: (error: Error) => void;
}

function ask() {
  const questions: Question[] = [];
  const shared = new Shared(
    () => new Promise<number>((answer, fail) => questions.push({ answer, fail })),
  );
  return { questions, shared };
}

test("who asks while an answer is on its way gets the next one, with all others who do", async () => {
  const { questions, shared } = ask();
  const first = shared.get();
  const [second, third] = [shared.get(), shared.get()];
  expect(questions).toHaveLength(1);
  questions[0]!.answer(1);
  expect(await first).toBe(1);
  await turn();
  expect(questions).toHaveLength(2);
  const fourth = shared.get();
  questions[1]!.answer(2);
  expect(await Promise.all([second, third])).toEqual([2, 2]);
  await turn();
  questions[2]!.answer(3);
  expect(await fourth).toBe(3);
});

test("a question that failed does not keep the next from being asked", async () => {
  const { questions, shared } = ask();
  const first = shared.get();
  const second = shared.get();
  questions[0]!.fail(new Error("no answer"));
  await expect(first).rejects.toThrow("no answer");
  await turn();
  questions[1]!.answer(2);
  expect(await second).toBe(2);
  const third = shared.get();
  questions[2]!.answer(3);
  expect(await third).toBe(3);
});
