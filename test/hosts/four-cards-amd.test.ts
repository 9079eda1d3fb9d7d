import { describe } from "vitest";
import { fourCards } from "../support/four-cards.ts";

describe("four cards and their domains, AMD", () => {
  fourCards("amd");
});
