import { iommuActive } from "../../../facts/iommu.ts";
import { logLines } from "../../patient.ts";
import type { Rule } from "../../rule.ts";

export const interruptRemapping = {
  id: "interrupt-remapping",
  title: "Guests' interrupts are not isolated from the host",
  looksAt: "the kernel's log, vfio_iommu_type1's allow_unsafe_interrupts",
  explanation:
    "Without interrupt remapping a device could raise any interrupt of the host, so VFIO refuses it (“No interrupt remapping support”). Chipsets before 2011 lack it. On Intel's 5500 and 5520 the kernel disables it because of an erratum.",
  remedy:
    "if you trust the guests, set moduleOptions: {vfio_iommu_type1: {allow_unsafe_interrupts: 1}}; a firmware update helps on some boards",
  source: "Linux: drivers/iommu/intel/irq_remapping.c; drivers/vfio/vfio_iommu_type1.c",
  needs: ["kernelLog"],
  find: (patient) => {
    const { facts, survey } = patient;
    if (
      !iommuActive(facts) ||
      facts.moduleParameters["vfio_iommu_type1"]?.["allow_unsafe_interrupts"] === "Y"
    )
      return [];
    const refused = logLines(patient, /No interrupt remapping support/i);
    const broken = logLines(
      patient,
      /interrupt remapping.*(is being disabled|erratum)|BIOS has enabled interrupt remapping/i,
    );
    const on = logLines(patient, /(Interrupt|IRQ) remapping (is )?enabled|Enabled IRQ remapping/i);
    const [line] = [...refused, ...broken];
    if (line === undefined && (on.length > 0 || survey.kernelLog?.complete !== true)) return [];
    return [
      {
        subject: "interrupt remapping",
        verdict: patient.given.length > 0 || refused.length > 0 ? ("fault" as const) : ("risk" as const),
        found: line ?? "the kernel's log does not report that it is on",
      },
    ];
  },
} as const satisfies Rule;
