import { describe } from "vitest";
import { checkSharingDomains } from "../support/domain-checks.ts";
import { fourCards } from "../support/four-cards.ts";

describe("four cards and their domains, AMD", () => {
  const { stack, change } = fourCards("amd");
  checkSharingDomains(stack, "one", change);
});
