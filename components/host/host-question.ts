import { driverQuestion } from "../drivers/question.ts";
import { AGENT } from "../facts/programs.ts";
import type { ProbeQuestion } from "../facts/question.ts";
import { APPARMOR_LOCAL, LIBVIRT_PROFILE } from "../plan/libvirt/apparmor.ts";
import { BIND_LIST } from "../plan/kernel/binding.ts";
import { ACS_OVERRIDE_SYMBOL } from "../plan/kernel/kernel-arguments.ts";
import { APPLIED } from "../plan/kernel/kernel-plan.ts";
import { domainQuestion } from "../plan/domain/domain-plan.ts";
import { CARD_HOOK } from "../plan/libvirt/libvirt-plan.ts";
import { LEFTOVER_FILES } from "../plan/kernel/leftovers.ts";
import { moduleQuestions } from "../plan/kernel/module-options.ts";
import { QEMU_CONF } from "../plan/libvirt/qemu-conf.ts";
import { romQuestion } from "../plan/rom/rom-plan.ts";
import { SRIOV_RULES } from "../plan/cards/virtual-functions.ts";
import type { HostSpec } from "./host-spec.ts";

/** What a host is asked: everything that a plan for this description looks at. */
export const probeQuestion = (spec: HostSpec): ProbeQuestion => ({
  ...driverQuestion,
  files: [
    AGENT,
    "/etc/modprobe.d/vfio.conf",
    ...Object.keys(spec.kernel.moduleOptions).map((module) => `/etc/modprobe.d/${module}.conf`),
    ...LEFTOVER_FILES,
    BIND_LIST,
    SRIOV_RULES,
    APPLIED,
    QEMU_CONF,
    CARD_HOOK,
    APPARMOR_LOCAL,
    ...romQuestion(spec.cards),
    ...domainQuestion(spec).files,
    ...driverQuestion.files,
  ].filter((path, index, all) => all.indexOf(path) === index),
  exists: [
    "/sys/firmware/acpi/tables/DMAR",
    "/sys/firmware/acpi/tables/IVRS",
    LIBVIRT_PROFILE,
    ...driverQuestion.exists,
    ...domainQuestion(spec).exists,
  ],
  look: domainQuestion(spec).look,
  parameters: [
    ...new Set([
      ...Object.keys(spec.kernel.moduleOptions),
      "vfio_pci",
      "vfio_iommu_type1",
      ...domainQuestion(spec).parameters,
    ]),
  ],
  modinfo: moduleQuestions(spec.kernel.moduleOptions),
  symbols: spec.kernel.pcieAcsOverride.length > 0 ? [ACS_OVERRIDE_SYMBOL] : [],
});
