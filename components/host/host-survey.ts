import { driverQuestion, explainingQuestion } from "../drivers/question.ts";
import { BIND_LIST } from "../plan/kernel/binding.ts";
import type { ProbeQuestion } from "../facts/question.ts";
import { LEFTOVER_FILES } from "../plan/kernel/leftovers.ts";

const unique = (...lists: readonly (readonly string[])[]): string[] => [...new Set(lists.flat())];

/** What is asked where no stack describes the host. */
const alone: ProbeQuestion = { ...driverQuestion, parameters: [] };

/**
 * What a host is asked when it is to be explained: all that a plan for it would ask (`base`, where a stack describes
 * the host), and the survey.
 */
export const surveyQuestion = (base: ProbeQuestion = alone): ProbeQuestion => ({
  ...base,
  files: unique(
    base.files,
    explainingQuestion.files,
    LEFTOVER_FILES,
    ["/etc/modules", "/etc/modules-load.d/*.conf", "/etc/libvirt/qemu.conf"],
    [BIND_LIST, "/etc/apparmor.d/local/abstractions/libvirt-qemu"],
  ),
  exists: unique(base.exists, explainingQuestion.exists, [
    "/sys/firmware/acpi/tables/DMAR",
    "/sys/firmware/acpi/tables/IVRS",
    "/dev/kvm",
  ]),
  packages: unique(base.packages, explainingQuestion.packages),
  parameters: ["*"],
  survey: true,
});
