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
  test("the reference host: bound and in use; the host's own display stays", () => {
    const facts = hostFacts("xeon-e5-v3");
    expect(at(facts, "03:00.0")).toMatchObject({
      verdict: "ready",
      reasons: [],
      users: [{ kind: "domain", name: "win10", running: true }],
    });
    expect(at(facts, "01:00.0")).toMatchObject({ verdict: "headless", users: [] });
    expect(kinds(at(facts, "01:00.0"))).toEqual(["boot-display"]);
  });

  test("a card that nothing stands against, before it is bound", () => {
    expect(at(xeonFacts(), "03:00.0")).toMatchObject({ verdict: "possible", reasons: [] });
  });

  test("a management controller's display is no card to hand over", () => {
    expect(kinds(at(xeonFacts(), "08:00.0"))).toEqual(["management"]);
    expect(kinds(at(hostFacts("x8dth-if"), "06:04.0"))).toContain("management");
  });

  test("the chipset's group: every foreign device is named, bridges are not", () => {
    const card = at(hostFacts("ryzen-chipset"), "06:00.0");
    expect(card.verdict).toBe("no");
    expect(card.reasons.map(({ problem }) => /holds (\S+)/.exec(problem)?.[1])).toEqual([
      "0000:02:00.0",
      "0000:02:00.1",
      "0000:04:00.0",
      "0000:05:00.0",
    ]);
  });

  test("an IOMMU that is off leaves it open, one that is not offered does not", () => {
    const off = { iommu: { units: [], groups: 0 } };
    const pci = xeonFacts().pci.map((one) => ({ ...one, iommuGroup: null }));
    expect(kinds(at(xeonFacts({ ...off, pci }), "03:00.0"))).toEqual(["iommu-off"]);
    expect(at(xeonFacts({ ...off, pci }), "03:00.0").verdict).toBe("unknown");
    expect(at(xeonFacts({ ...off, pci, exists: [] }), "03:00.0")).toMatchObject({ verdict: "no" });
  });

  test("a kernel without VFIO, and a card that carries the connection", () => {
    expect(kinds(at(xeonFacts({ kernel: "3.16.0-4-amd64" }), "03:00.0"))).toEqual(["kernel"]);
    const carriers = [{ address: address("03:00.1"), what: "the network card of the SSH connection (x)" }];
    expect(kinds(at(xeonFacts({ carriers }), "03:00.0"))).toEqual(["carrier"]);
  });
});

describe("what belongs to a card", () => {
  test("all functions of the slot", () => {
    expect(at(hostFacts("eight-cards"), "1b:00.0").functions.map((one) => one.address)).toEqual(
      [0, 1, 2, 3].map((part) => address(`1b:00.${part}`)),
    );
  });

  test("a processor's GPU shares its slot with devices that are no part of it", () => {
    const card = at(hostFacts("proxmox"), "04:00.0");
    expect(card.functions.map((one) => one.id)).toEqual(["1002:15e7", "1002:1637"]);
    expect(card.verdict).toBe("ready");
  });

  test("an audio function of another maker in the same group does belong to it", () => {
    const pci = [
      device("01:00.0", "1234:1111", "030000", 5),
      device("01:00.1", "8086:293e", "040300", 5, { driver: "snd_hda_intel" }),
    ];
    expect(at(xeonFacts({ pci, carriers: [] }), "01:00.0").functions).toHaveLength(2);
  });
});

describe("who uses a card", () => {
  test("the running domain first, others that list it behind", () => {
    expect(at(hostFacts("eight-cards"), "1d:00.0").users).toEqual([
      { kind: "domain", name: "cloud-a", running: true },
      { kind: "domain", name: "cloud-b", running: false },
    ]);
    expect(at(hostFacts("eight-cards"), "1e:00.0").users).toEqual([]);
  });

  test("a Proxmox guest, and not its QEMU process a second time", () => {
    expect(at(hostFacts("proxmox"), "04:00.0").users).toEqual([
      { kind: "proxmox", name: "win10-vm (106)", running: true },
    ]);
  });

  test("a process that holds the group without a domain, or the NVIDIA driver's file", () => {
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

describe("what will be noticed", () => {
  test("AMD families that do not reset, unless vendor-reset is loaded", () => {
    const facts = hostFacts("ryzen-chipset");
    expect(at(facts, "09:00.0").notes.map(({ problem }) => problem)).toEqual([
      expect.stringContaining("Navi 1x"),
    ]);
    expect(at({ ...facts, modules: ["vendor_reset"] }, "09:00.0").notes).toEqual([]);
  });

  test("of AMD's RDNA 4 some do not reset, and vendor-reset is no help", () => {
    const facts = hostFacts("ryzen-chipset");
    const newer = facts.pci.map((device) =>
      device.address === "0000:09:00.0" ? { ...device, id: pciId("1002:7550") } : device,
    );
    const { notes } = at({ ...facts, pci: newer, modules: ["vendor_reset"] }, "09:00.0");
    expect(notes.map(({ kind }) => kind)).toEqual(["known-bad"]);
    expect(notes[0]?.problem).toContain("AMD RDNA 4 card, a family of which some do not come back");
    expect(notes[0]?.remedy).not.toContain("vendor-reset");
  });

  test("a GPU without a ROM of its own, and one without a reset", () => {
    const facts = hostFacts("optimus-laptop");
    expect(at(facts, "01:00.0").notes.map(({ kind }) => kind)).toEqual(["no-rom"]);
    expect(at(facts, "00:02.0").notes.map(({ kind }) => kind)).toEqual(["no-reset"]);
  });

  test("a twin, by name", () => {
    expect(at(hostFacts("x8dth-if"), "02:00.0").notes.map(({ problem }) => problem)).toEqual([
      "the same model is also at 0000:83:00.0",
    ]);
  });
});
