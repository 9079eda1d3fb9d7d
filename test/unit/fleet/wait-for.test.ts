import { getEventListeners } from "node:events";
import { expect, test } from "vitest";
import { waitFor } from "../../../fleet/ground/wait-for.ts";

test("looks until there is an answer, and leaves nothing on the signal", async () => {
  const { signal } = new AbortController();
  const answers = [undefined, false, null, "late"];
  expect(await waitFor(async () => answers.shift(), { interval: 1, signal })).toBe(null);
  expect(answers).toEqual(["late"]);
  expect(getEventListeners(signal, "abort")).toEqual([]);
});

test("ends with the signal, in the middle of a pause and before the first look", async () => {
  const stop = new AbortController();
  let looks = 0;
  const wait = (): Promise<undefined> =>
    waitFor<undefined>(async () => void looks++, { interval: 3_600_000, signal: stop.signal });
  const waiting = wait();
  await expect.poll(() => looks).toBe(1);
  stop.abort();
  expect(await waiting).toBe(undefined);
  expect(await wait()).toBe(undefined);
  expect(looks).toBe(1);
});

test("what a look throws is the caller's", async () => {
  const { signal } = new AbortController();
  const look = () => Promise.reject(new Error("broken"));
  await expect(waitFor(look, { interval: 1, signal })).rejects.toThrow("broken");
});
