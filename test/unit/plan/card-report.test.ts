import { describe, expect, test } from "vitest";
import { cardReports, type CardReport } from "../../../components/plan/cards/card-report.ts";
import type { Facts } from "../../../components/facts/facts.ts";
import { hostFacts } from "../../fixtures/hosts.ts";
import { address, device, pciId, xeonFacts } from "../../fixtures/xeon.ts";

const at = (facts: Facts, text: string): CardReport => {
  const found = cardReports(facts).find((card) => card.address === address(text));
  if (!found) throw new Error(`no card at ${text}`);
  return found;
};
const kinds = (card: CardReport): string[] => card.reasons.map(({ kind }) => kind);

describe("whether a card can be handed over", () => {
  test("the reference host: its card is bound and in use; the host's own display stays", () => {
    const facts = hostFacts("xeon-e5-v3");
    expect(at(facts, "03:00.0")).toMatchObject({
      verdict: "ready",
      reasons: [],
      users: [{ kind: "domain", name: "win10", running: true }],
    });
    expect(at(facts, "01:00.0")).toMatchObject({ verdict: "headless", users: [] });
    expect(kinds(at(facts, "01:00.0"))).toEqual(["boot-display"]);
  });

  test("a card without problems is possible before it is bound", () => {
    expect(at(xeonFacts(), "03:00.0")).toMatchObject({ verdict: "possible", reasons: [] });
  });

  test("a management controller's display is no card", () => {
    expect(kinds(at(xeonFacts(), "08:00.0"))).toEqual(["management"]);
    expect(kinds(at(hostFacts("x8dth-if"), "06:04.0"))).toContain("management");
  });

  test("in the chipset's group every foreign device is named, except bridges", () => {
    const card = at(hostFacts("ryzen-chipset"), "06:00.0");
    expect(card.verdict).toBe("no");
    expect(card.reasons.map(({ problem }) => /holds (\S+)/.exec(problem)?.[1])).toEqual([
      "0000:02:00.0",
      "0000:02:00.1",
      "0000:04:00.0",
      "0000:05:00.0",
    ]);
  });

  test("with the IOMMU off the verdict is open, without an IOMMU it is no", () => {
    const off = { iommu: { units: [], groups: 0 } };
    const pci = xeonFacts().pci.map((one) => ({ ...one, iommuGroup: null }));
    expect(kinds(at(xeonFacts({ ...off, pci }), "03:00.0"))).toEqual(["iommu-off"]);
    expect(at(xeonFacts({ ...off, pci }), "03:00.0").verdict).toBe("unknown");
    expect(at(xeonFacts({ ...off, pci, exists: [] }), "03:00.0")).toMatchObject({ verdict: "no" });
  });

  test("a kernel without VFIO and a card that carries the connection are problems", () => {
    expect(kinds(at(xeonFacts({ kernel: "3.16.0-4-amd64" }), "03:00.0"))).toEqual(["kernel"]);
    const carriers = [{ address: address("03:00.1"), what: "the network card of the SSH connection (x)" }];
    expect(kinds(at(xeonFacts({ carriers }), "03:00.0"))).toEqual(["carrier"]);
  });
});

describe("the functions of a card", () => {
  test("are all functions of the slot", () => {
    expect(at(hostFacts("eight-cards"), "1b:00.0").functions.map((one) => one.address)).toEqual(
      [0, 1, 2, 3].map((part) => address(`1b:00.${part}`)),
    );
  });

  test("do not include other devices in the slot of a processor's GPU", () => {
    const card = at(hostFacts("proxmox"), "04:00.0");
    expect(card.functions.map((one) => one.id)).toEqual(["1002:15e7", "1002:1637"]);
    expect(card.verdict).toBe("ready");
  });

  test("include an audio function of another maker in the same group", () => {
    const pci = [
      device("01:00.0", "1234:1111", "030000", 5),
      device("01:00.1", "8086:293e", "040300", 5, { driver: "snd_hda_intel" }),
    ];
    expect(at(xeonFacts({ pci, carriers: [] }), "01:00.0").functions).toHaveLength(2);
  });
});

describe("who uses a card", () => {
  test("the running domain comes first, others that list the card after it", () => {
    expect(at(hostFacts("eight-cards"), "1d:00.0").users).toEqual([
      { kind: "domain", name: "cloud-a", running: true },
      { kind: "domain", name: "cloud-b", running: false },
    ]);
    expect(at(hostFacts("eight-cards"), "1e:00.0").users).toEqual([]);
  });

  test("a Proxmox guest counts once, without its QEMU process", () => {
    expect(at(hostFacts("proxmox"), "04:00.0").users).toEqual([
      { kind: "proxmox", name: "win10-vm (106)", running: true },
    ]);
  });

  test("a process counts if it holds the group without a domain, or the NVIDIA driver's file", () => {
    const facts = hostFacts("eight-cards");
    facts.survey.holders = [
      { file: "/dev/vfio/33", pid: 7, command: "qemu-system-x86" },
      { file: "/dev/nvidia0", pid: 8, command: "python3" },
    ];
    facts.survey.nvidia = [{ address: address("8c:00.0"), model: "", minor: 0 }];
    expect(at(facts, "1e:00.0").users).toEqual([
      { kind: "process", name: "qemu-system-x86 (process 7)", running: true },
    ]);
    expect(at(facts, "8c:00.0").users).toEqual([
      { kind: "process", name: "python3 (process 8)", running: true },
    ]);
  });
});

describe("notes on a card", () => {
  test("AMD families that do not reset, unless vendor-reset is loaded", () => {
    const facts = hostFacts("ryzen-chipset");
    expect(at(facts, "09:00.0").notes.map(({ problem }) => problem)).toEqual([
      expect.stringContaining("Navi 1x"),
    ]);
    expect(at({ ...facts, modules: ["vendor_reset"] }, "09:00.0").notes).toEqual([]);
  });

  test("some cards of AMD's RDNA 4 do not reset, and vendor-reset does not help", () => {
    const facts = hostFacts("ryzen-chipset");
    const newer = facts.pci.map((device) =>
      device.address === "0000:09:00.0" ? { ...device, id: pciId("1002:7550") } : device,
    );
    const { notes } = at({ ...facts, pci: newer, modules: ["vendor_reset"] }, "09:00.0");
    expect(notes.map(({ kind }) => kind)).toEqual(["known-bad"]);
    expect(notes[0]?.problem).toContain("AMD RDNA 4 card, a family of which some do not come back");
    expect(notes[0]?.remedy).not.toContain("vendor-reset");
  });

  test("a GPU without its own ROM, and one without a reset", () => {
    const facts = hostFacts("optimus-laptop");
    expect(at(facts, "01:00.0").notes.map(({ kind }) => kind)).toEqual(["no-rom"]);
    expect(at(facts, "00:02.0").notes.map(({ kind }) => kind)).toEqual(["no-reset"]);
  });

  test("a card of the same model, by name", () => {
    expect(at(hostFacts("x8dth-if"), "02:00.0").notes.map(({ problem }) => problem)).toEqual([
      "the same model is also at 0000:83:00.0",
    ]);
  });
});
