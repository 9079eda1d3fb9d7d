import { describe, expect, test } from "vitest";
import type { HostDescription, RootPort } from "../../../lab/description.ts";
import { HOSTS } from "../../../lab/hosts.ts";
import { placePorts } from "../../../lab/machine/slots.ts";

/** The addresses of all functions by card, as the host sees them. */
const addresses = (host: HostDescription): Record<string, string[]> => {
  const hex = (number: number): string => number.toString(16).padStart(2, "0");
  return Object.fromEntries(
    placePorts(host)
      .flatMap(({ cards }) => cards)
      .map(({ card, busNumber, slot }) => [
        card.name,
        card.functions.map((_, number) => `0000:${hex(busNumber)}:${hex(slot)}.${number}`),
      ]),
  );
};

const port: RootPort = { kind: "card", card: { name: "a", functions: [{ kind: "gpu" }] } };

describe("the places of cards", () => {
  test("the stand-in GPU and its audio are functions of one card on the first bus", () => {
    expect(addresses(HOSTS["lab-xeon"])).toEqual({ "stand-in": ["0000:01:00.0", "0000:01:00.1"] });
  });

  test("several root ports count their buses in order", () => {
    expect(Object.values(addresses(HOSTS["lab-four"])).map(([first]) => first)).toEqual([
      "0000:01:00.0",
      "0000:02:00.0",
      "0000:03:00.0",
      "0000:04:00.0",
    ]);
  });

  test("a bridge has its own bus, and cards behind it have slots from 1", () => {
    expect(addresses(HOSTS["lab-shared"])).toEqual({
      shared: ["0000:02:01.0", "0000:02:01.1"],
      neighbour: ["0000:02:02.0"],
      alone: ["0000:03:00.0", "0000:03:00.1"],
    });
  });

  test("no two root ports share a slot, and a port without a free slot is refused", () => {
    const host = (count: number): HostDescription => ({
      ...HOSTS["lab-xeon"],
      rootPorts: Array.from({ length: count }, () => port),
    });
    const slots = placePorts(host(15)).map(({ slot }) => slot);
    expect(new Set(slots).size).toBe(15);
    expect(Math.max(...slots)).toBeLessThan(0x1f);
    expect(() => placePorts(host(16))).toThrow("a lab host has 16 root ports, but there are slots for 15");
  });
});
