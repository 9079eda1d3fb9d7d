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
import { drivers, everyDriver } from "./known-drivers.ts";

/** What a host is asked: everything that a plan for this description looks at. */
export const probeQuestion = (spec: HostSpec): ProbeQuestion => ({
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
    ...drivers.bootloader.flatMap((driver) => [
      ...driver.reads,
      ...driver.edits([]).map((edit) => edit.path),
    ]),
    ...drivers.initramfs.flatMap((driver) => [
      ...driver.reads,
      ...driver.files({ modules: [], files: [], rivals: [] }).map((file) => file.path),
    ]),
  ].filter((path, index, all) => all.indexOf(path) === index),
  exists: [
    "/sys/firmware/acpi/tables/DMAR",
    "/sys/firmware/acpi/tables/IVRS",
    LIBVIRT_PROFILE,
    ...everyDriver.flatMap((driver) => driver.looksFor ?? []),
    ...domainQuestion(spec).exists,
  ],
  look: domainQuestion(spec).look,
  packages: [
    ...new Set([
      ...drivers.distro.flatMap((driver) => [...driver.packages, ...driver.tpmPackages]),
      ...everyDriver.flatMap((driver) => driver.asksFor ?? []),
    ]),
  ],
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
