import { describe, expect, test } from "vitest";
import { functionsOf } from "../../../components/facts/card.ts";
import type { Facts } from "../../../components/facts/facts.ts";
import { foreignMembers } from "../../../components/facts/iommu.ts";
import { cardProblems, repeatedCards } from "../../../components/plan/cards/card-problems.ts";
import { cardReports } from "../../../components/plan/cards/card-report.ts";
import { hostCard } from "../../../components/plan/domain/resolve/context.ts";
import * as cards from "../../fixtures/cards.ts";
import { hostFacts, hostNames } from "../../fixtures/hosts.ts";
import { address, device, pciId, xeonFacts } from "../../fixtures/xeon.ts";

const { hostWith, listing } = cards;

const short = (facts: Facts, at: string, ids?: readonly string[]): string[] =>
  functionsOf(facts, { address: address(at), ids: ids?.map(pciId) }).map((one) => one.address.slice(5));
const reported = (facts: Facts, at: string) => {
  const found = cardReports(facts).find((card) => card.address === address(at));
  if (!found) throw new Error(`no card at ${at}`);
  return found;
};
/** What a preview says of one card with these ids. */
const said = (facts: Facts, at: string, ids: readonly string[], headless = true): string[] => {
  const card = { address: address(at), ids: ids.map(pciId) };
  return cardProblems(facts, "gpu", card, functionsOf(facts, card), headless).map(
    ({ path, problem, remedy }) => `${path}: ${problem} -> ${remedy}`,
  );
};

describe("a processor's GPU", () => {
  test.each([
    ["Phoenix, a group each", hostWith(cards.PHOENIX), "c5:00.0", ["c5:00.0", "c5:00.1"]],
    ["Cezanne, one group", hostWith(cards.CEZANNE), "04:00.0", ["04:00.0", "04:00.1"]],
    ["Raphael, beside a card", hostWith(cards.RAPHAEL), "0f:00.0", ["0f:00.0", "0f:00.1"]],
    [
      "Kaveri, on the root bus",
      hostWith("00:01.0 1002:130f 0300 1! radeon\n00:01.1 1002:1308 0403 1 snd_hda_intel\n"),
      "00:01.0",
      ["00:01.0", "00:01.1"],
    ],
    [
      "Intel's, on the root bus",
      hostWith("00:02.0 8086:a780 0300 0! i915\n00:1f.0 8086:7a84 0601 14 -\n00:1f.3 8086:7ad0 0403 14 -\n"),
      "00:02.0",
      ["00:02.0"],
    ],
  ])("%s: GPU and audio, and nothing else of the slot", (_, facts, at, expected) => {
    expect(short(facts, at)).toEqual(expected);
    expect(reported(facts, at).functions.map((one) => one.address.slice(5))).toEqual(expected);
  });

  test("the plan asks for what is listed, and for nothing else in the slot", () => {
    const facts = hostWith(cards.PHOENIX);
    expect(said(facts, "c5:00.0", ["1002:1900", "1002:1640"])).toEqual([]);
    expect(said(facts, "c5:00.0", ["1002:1900"])).toEqual([]);
    expect(short(facts, "c5:00.0", ["1002:1900"])).toEqual(["c5:00.0"]);
    // listed by a person who knows that the host can do without it
    expect(short(facts, "c5:00.0", ["1002:1900", "1002:1640", "1022:15b9"])).toEqual([
      "c5:00.0",
      "c5:00.1",
      "c5:00.3",
    ]);
  });

  test("one group: what would be lost is named, unless it is listed", () => {
    const facts = hostWith(cards.CEZANNE);
    expect(reported(facts, "04:00.0").verdict).toBe("no");
    const problems = said(facts, "04:00.0", ["1002:1638", "1002:1637"]);
    expect(problems).toHaveLength(5);
    expect(problems.join("\n")).toContain(
      "IOMMU group 5 also holds 0000:04:00.3 (1022:1639, driver xhci_hcd)",
    );
    expect(problems.join("\n")).toContain("the processor's own devices share that group");
    expect(problems.join("\n")).not.toContain("00:08.0");
    const ids = ["1002:1638", "1002:1637", "1022:15df", "1022:1639", "1022:1639", "1022:15e2", "1022:15e3"];
    expect(said(facts, "04:00.0", ids)).toEqual([]);
    expect(short(facts, "04:00.0", ids)).toHaveLength(7);
  });

  test("a USB controller of the processor is a card of its own", () => {
    const facts = hostWith(cards.PHOENIX);
    expect(said(facts, "c5:00.3", ["1022:15b9"])).toEqual([]);
    const two = {
      gpu: { address: address("c5:00.0"), ids: [pciId("1002:1900"), pciId("1002:1640")] },
      usb: { address: address("c5:00.3"), ids: [pciId("1022:15b9")] },
    };
    expect(repeatedCards(facts, two)).toEqual([]);
    const again = { ...two, audio: { address: address("c5:00.1"), ids: [pciId("1002:1640")] } };
    expect(repeatedCards(facts, again)).toEqual([
      expect.objectContaining({ path: "cards.audio.address", problem: expect.stringContaining("gpu names") }),
    ]);
  });

  test("a processor's sound on the root bus does not take its slot's other devices along", () => {
    const facts = hostWith(
      "00:1f.0 8086:7a84 0601 14 lpc_ich\n00:1f.3 8086:7ad0 0403 14 snd_hda_intel\n00:1f.4 8086:7aa3 0c05 14 i801_smbus\n",
    );
    expect(short(facts, "00:1f.3")).toEqual(["00:1f.3"]);
    expect(said(facts, "00:1f.3", ["8086:7ad0"]).map((line) => /holds (\S+)/.exec(line)?.[1])).toEqual([
      "0000:00:1f.0",
      "0000:00:1f.4",
    ]);
  });
});

describe("an add-in board", () => {
  const NAVI = ["03:00.0", "03:00.1", "03:00.2", "03:00.3"];

  test("all functions of its slot, in one group or in a group each", () => {
    expect(short(hostWith(cards.RAPHAEL), "03:00.0")).toEqual(NAVI);
    expect(short(hostFacts("eight-cards"), "1b:00.0")).toHaveLength(4);
    expect(said(hostWith(cards.RAPHAEL), "03:00.0", ["1002:73bf", "1002:ab28"])).toEqual([
      expect.stringMatching(/^cards\.gpu\.ids: the ids lack 1002:73a6: 0000:03:00\.2 is on the card's board/),
      expect.stringMatching(/^cards\.gpu\.ids: the ids lack 1002:73a4: 0000:03:00\.3 is on the card's board/),
    ]);
  });

  test.each([
    ["Arc A770, one group", cards.ARC_A770, ["8086:56a0", "8086:4f90"]],
    ["Arc B580, a group each", cards.ARC_B580, ["8086:e20b", "8086:e2f7"]],
  ])("%s: the audio behind another port of its switch belongs to it", (_, text, ids) => {
    const facts = hostWith(text);
    expect(short(facts, "03:00.0")).toEqual(["03:00.0", "04:00.0"]);
    expect(short(facts, "04:00.0")).toEqual(["03:00.0", "04:00.0"]);
    expect(reported(facts, "03:00.0").verdict).toBe("possible");
    expect(said(facts, "03:00.0", ids)).toEqual([]);
    const [problem] = said(facts, "03:00.0", ids.slice(0, 1));
    expect(problem).toContain(`the ids lack ${ids[1]}: 0000:04:00.0`);
    expect(problem).toContain(`-> ids: ["${ids.join('", "')}"]`);
  });

  test("functions of several slots have numbers of their own in the guest", () => {
    const card = hostCard(hostWith(cards.ARC_A770), address("03:00.0"), {
      ids: [pciId("8086:56a0"), pciId("8086:4f90")],
      rom: { kind: "card" },
      boundAtBoot: true,
    });
    expect(card.functions).toEqual([
      { address: address("03:00.0"), display: true },
      { address: address("04:00.0"), display: false },
    ]);
  });

  test("two GPUs behind the board's switch are one card, whatever their groups", () => {
    const all = ["05:00.0", "05:00.1", "06:00.0", "06:00.1"];
    expect(short(hostWith(cards.proDuo([21, 21])), "05:00.0")).toEqual(all);
    const marked = listing(cards.proDuo([21, 22]), { subsystem: pciId("1002:1b36") });
    expect(short(xeonFacts({ pci: marked }), "06:00.0")).toEqual(all);
    expect(reported(hostWith(cards.proDuo([21, 21])), "05:00.0").verdict).toBe("possible");
    expect(cardReports(hostWith(cards.proDuo([21, 21])))).toHaveLength(1);
  });

  test("the GPUs of one board may go to several guests where the groups keep them apart", () => {
    const facts = hostWith(cards.TWO_K80);
    expect(short(facts, "85:00.0")).toEqual(["85:00.0", "86:00.0"]);
    expect(short(facts, "8a:00.0")).toEqual(["89:00.0", "8a:00.0"]);
    expect(said(facts, "85:00.0", ["10de:102d", "10de:102d"])).toEqual([]);
    expect(said(facts, "86:00.0", ["10de:102d"])).toEqual([]);
    expect(short(facts, "86:00.0", ["10de:102d"])).toEqual(["86:00.0"]);
    const together = hostWith(cards.proDuo([21, 21]));
    expect(said(together, "05:00.0", ["1002:7300", "1002:aae8"])).toEqual([
      expect.stringContaining("the ids lack 1002:7300: 0000:06:00.0 shares IOMMU group 21 with the card"),
      expect.stringContaining("the ids lack 1002:aae8: 0000:06:00.1"),
    ]);
  });

  test("a switch of the mainboard, the chipset or a dock joins nothing", () => {
    expect(short(hostWith(cards.MAINBOARD_SWITCH), "04:00.0")).toEqual(["04:00.0", "04:00.1"]);
    expect(short(hostFacts("ryzen-chipset"), "06:00.0")).toEqual(["06:00.0", "06:00.1"]);
    expect(short(hostFacts("eight-cards"), "1c:00.0").every((at) => at.startsWith("1c:00."))).toBe(true);
    const dock = hostWith(`
00:07.0 8086:463f 0604 5 pcieport
  20:00.0 8086:1136 0604 6 pcieport
    21:00.0 8086:1136 0604 7 pcieport
      22:00.0 8086:4fa1 0604 8 pcieport
        23:01.0 8086:4fa4 0604 9 pcieport
          24:00.0 8086:56a5 0300 10 i915
        23:04.0 8086:4fa4 0604 11 pcieport
          25:00.0 8086:4f92 0403 12 snd_hda_intel
    21:02.0 8086:1136 0604 13 pcieport
      26:00.0 8086:15f3 0200 14 igc
`);
    expect(short(dock, "24:00.0")).toEqual(["24:00.0", "25:00.0"]);
    expect(short(dock, "26:00.0")).toEqual(["26:00.0"]);
  });

  test("AMD's Vega with the switch that has the processors' vendor", () => {
    const facts = hostWith(`
00:03.1 1022:1453 0604 10 pcieport
  09:00.0 1022:1470 0604 11 pcieport
    0a:00.0 1022:1471 0604 12 pcieport
      0b:00.0 1002:687f 0300 13 amdgpu
      0b:00.1 1002:aaf8 0403 14 snd_hda_intel
`);
    expect(short(facts, "0b:00.0")).toEqual(["0b:00.0", "0b:00.1"]);
    expect(said(facts, "0b:00.0", ["1002:687f"])).toEqual([
      expect.stringContaining("the ids lack 1002:aaf8"),
    ]);
  });
});

describe("one meaning of a card", () => {
  const hosts: readonly (readonly [string, Facts])[] = [
    ...hostNames().map((name) => [name, hostFacts(name)] as const),
    ...Object.entries(cards).flatMap(([name, text]) =>
      typeof text === "string" ? [[name, hostWith(text)] as const] : [],
    ),
    ["proDuo", hostWith(cards.proDuo([21, 22]))],
  ];

  test.each(hosts)(
    "%s: what init lists is what the plan takes, whatever the order of its ids",
    (_, facts) => {
      for (const report of cardReports(facts)) {
        const ids = report.functions.map(({ id }) => id);
        expect(functionsOf(facts, { address: report.address, ids })).toEqual(report.functions);
        const problems = said(facts, report.address, ids.toReversed()).filter((text) =>
          text.includes(".ids:"),
        );
        expect(problems).toEqual([]);
      }
    },
  );

  test.each(hosts)("%s: no device is in two cards, and no bridge in one", (_, facts) => {
    const functions = cardReports(facts).flatMap((report) => report.functions);
    expect(new Set(functions).size).toBe(functions.length);
    expect(functions.filter((one) => one.class.startsWith("06"))).toEqual([]);
  });
});

describe("ids that do not fit", () => {
  const facts = xeonFacts();

  test("another card, a function that is missing, one too many: each says what it is", () => {
    expect(said(facts, "03:00.0", ["10de:1c03", "10de:10f1"])).toEqual([
      expect.stringMatching(/are 10de:1c81, 10de:0fb9, expected .* -> the slot holds another card/),
    ]);
    const [lacking] = said(facts, "03:00.0", ["10de:1c81"]);
    expect(lacking).toContain("the ids lack 10de:0fb9: 0000:03:00.1 shares IOMMU group 30 with the card");
    expect(lacking).not.toContain("another card");
    const [beyond] = said(facts, "03:00.0", ["10de:1c81", "10de:0fb9", "10de:1ad8"]);
    expect(beyond).toContain("no function of the card at 0000:03:00.0 has the id 10de:1ad8");
  });

  test("one id listed once stands for one function", () => {
    const usb = hostWith(cards.CEZANNE);
    const ids = ["1002:1638", "1002:1637", "1022:15df", "1022:1639", "1022:15e2", "1022:15e3"];
    expect(said(usb, "04:00.0", ids)).toEqual([expect.stringContaining("also holds 0000:04:00.4")]);
  });
});

describe("what VFIO tolerates in a group", () => {
  const GPU = "03:00.0 10de:1c81 0300 30 nouveau\n03:00.1 10de:0fb9 0403 30 snd_hda_intel\n";
  const strangers = (line: string, kernel = "6.1.0-37-amd64"): string[] => {
    const facts = hostWith(GPU + line, { kernel });
    return foreignMembers(facts, functionsOf(facts, { address: address("03:00.0") })).map(
      (one) => one.address,
    );
  };

  test.each([
    ["a port with its driver", "00:01.0 8086:2f02 0604 30 pcieport"],
    ["a bridge without a driver", "00:1e.0 8086:244e 0604 30 -"],
    ["a host bridge that nobody drives", "00:01.0 1022:1632 0600 30 -"],
    ["a device that pci-stub has", "04:00.0 8086:1533 0200 30 pci-stub"],
    ["a device that vfio-pci has", "04:00.0 8086:1533 0200 30 vfio-pci"],
    ["a device with a variant of vfio-pci", "04:00.0 15b3:101e 0200 30 mlx5_vfio_pci"],
  ])("%s", (_, line) => {
    expect(strangers(line)).toEqual([]);
  });

  test.each([
    ["an ISA bridge with its driver", "00:1f.0 8086:8c4b 0601 30 lpc_ich"],
    ["a host bridge with its driver", "00:00.0 8086:0c04 0600 30 ie31200_edac"],
    ["another bridge of class 06", "00:1f.5 8086:7aa4 0680 30 intel-spi"],
    ["a controller", "04:00.0 8086:a102 0106 30 ahci"],
  ])("not %s", (_, line) => {
    expect(strangers(line)).toHaveLength(1);
  });

  test("a bridge with a driver that does DMA, since Linux 5.19 only", () => {
    const line = "00:1e.0 1b36:0001 0604 30 shpchp";
    expect(strangers(line, "6.1.0-37-amd64")).toHaveLength(1);
    expect(strangers(line, "5.19.0")).toHaveLength(1);
    expect(strangers(line, "5.10.0-8-amd64")).toEqual([]);
  });

  test("what only an earlier description keeps on vfio-pci is refused", () => {
    const facts = hostWith(`${GPU}04:00.0 8086:1533 0200 30 vfio-pci\n`, {
      files: {
        "/etc/vfio-fleet/bind": {
          mode: "644",
          owner: "root",
          group: "root",
          sha256: "",
          content: "# address vendor:device subsystem\n0000:04:00.0 8086:1533 1043:85d8\n",
        },
      },
    });
    expect(said(facts, "03:00.0", ["10de:1c81", "10de:0fb9"])).toEqual([
      expect.stringContaining("also holds 0000:04:00.0 (8086:1533), which the stack no longer lists"),
    ]);
  });
});

describe("twins", () => {
  const sriov = { total: 2, active: 2, offset: 1, stride: 1, device: "56c0" };
  const pf = device("03:00.0", "8086:56c0", "038000", 10, { driver: "xe", sriov });
  const vf = (part: number) => device(`03:00.${part}`, "8086:56c0", "038000", 10 + part);
  const twins = (facts: Facts, at: string): string[] =>
    reported(facts, at)
      .notes.filter(({ kind }) => kind === "twin")
      .map(({ problem }) => problem);

  test("a physical function and its virtual ones are none of each other", () => {
    const facts = xeonFacts({ pci: [pf, vf(1), vf(2)], carriers: [] });
    expect(twins(facts, "03:00.0")).toEqual([]);
    expect(twins(facts, "03:00.1")).toEqual([]);
  });

  test("a second such card is one", () => {
    const other = device("05:00.0", "8086:56c0", "038000", 20, { driver: "xe", sriov });
    const facts = xeonFacts({ pci: [pf, vf(1), vf(2), other], carriers: [] });
    expect(twins(facts, "03:00.0")).toEqual(["the same model is also at 0000:05:00.0"]);
    expect(twins(facts, "03:00.2")).toEqual(["the same model is also at 0000:05:00.0"]);
  });
});
