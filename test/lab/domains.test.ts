import { afterAll, beforeAll, describe } from "vitest";
import { checkFourDomains } from "../support/four-domains.ts";
import { startLabStack, type LabStack } from "../support/lab-stack.ts";

describe("four cards and their domains, Intel", () => {
  let stack: LabStack;
  beforeAll(async () => {
    stack = await startLabStack("lab-four", "lab-xeon", "test-domains");
  });
  afterAll(() => stack?.remove());
  checkFourDomains(() => stack);
});
