import type { PciDevice } from "../../../facts/facts.ts";
import { subjectOf } from "../../patient.ts";
import type { Rule } from "../../rule.ts";

const GIB = 2 ** 30;

/** OVMF's window for 64-bit BARs if it does not follow the processor's address bits (OvmfPkg: PciHostBridge). */
const DEFAULT_APERTURE = 32 * GIB;

const largest = (device: PciDevice): number => Math.max(0, ...(device.bars ?? []).map(({ bytes }) => bytes));

const aperture = (args: readonly string[]): number => {
  const set = args.map((text) => /opt\/ovmf\/X-PciMmio64Mb,string=(\d+)/.exec(text)?.[1]).find(Boolean);
  return set === undefined ? DEFAULT_APERTURE : Number(set) * 2 ** 20;
};

export const code12 = {
  id: "code-12",
  title: "Code 12: the guest has no room for the cards' memory",
  looksAt: "the BARs of all cards of a domain, its firmware, a window set by hand",
  explanation:
    "Windows shows Code 12 (not enough free resources) if the guest's firmware could not place the card's BARs. OVMF keeps a window above 4 GiB for them. A BAR of a gigabyte or more never fits below it, and a guest with a BIOS has no such window.",
  remedy:
    "use OVMF; enlarge the window with <qemu:arg value='opt/ovmf/X-PciMmio64Mb,string=65536'/> after -fw_cfg; or make the BAR smaller with Resizable BAR",
  source: "tianocore/edk2#12997; OvmfPkg/PlatformInitLib/MemDetect.c",
  find: ({ domains, given }) =>
    domains.flatMap((domain) => {
      const cards = given.filter((card) => card.domain === domain && card.display);
      const sum = cards.reduce(
        (total, card) => total + card.functions.reduce((bytes, device) => bytes + largest(device), 0),
        0,
      );
      const big = cards.find((card) => card.functions.some((device) => largest(device) >= GIB));
      if (!domain.uefi && big)
        return [
          {
            subject: subjectOf(big),
            verdict: "fault" as const,
            found: `a BAR of ${Math.max(...big.functions.map(largest)) / GIB} GiB in a guest with a BIOS`,
          },
        ];
      const room = aperture(domain.qemuArguments);
      // BARs lie at multiples of their own size, so only half the window is certain to be usable.
      return domain.uefi && sum > room / 2
        ? [
            {
              subject: domain.name,
              verdict: sum > room ? ("fault" as const) : ("risk" as const),
              found: `its cards have BARs of ${(sum / GIB).toFixed(1)} GiB, the guest's window is ${room / GIB} GiB`,
            },
          ]
        : [];
    }),
} as const satisfies Rule;
