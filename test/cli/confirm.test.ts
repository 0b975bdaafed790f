import { expect, test } from "vitest";
import { confirm } from "../../src/lib/cli/confirm.js";

test("--yes answers without asking", async () => {
  await expect(confirm("Drop it all?", { yes: true })).resolves.toBeUndefined();
});

test("where nobody can answer, the question is an error that says how to go on", async () => {
  await expect(confirm("Drop it all?", { yes: false })).rejects.toMatchObject({
    code: "confirmation-needed",
    exit: 64,
    message: expect.stringContaining("Drop it all?") as string,
    hint: expect.stringContaining("--yes") as string,
  });
});
