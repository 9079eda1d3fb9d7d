import { parseCmdline } from "../../../facts/cmdline.ts";
import { ourWords } from "../../../plan/edit.ts";
import type { Facts } from "../../../facts/facts.ts";

/** One line of arguments for every entry that kernel-install or proxmox-boot-tool makes. */
export const KERNEL_CMDLINE = "/etc/kernel/cmdline";

/** Set by systemd-stub: the kernel came inside a unified kernel image (systemd-stub(7)). */
export const STUB_INFO = "/sys/firmware/efi/efivars/StubInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f";

/** Arguments that a boot loader or a trial puts in front or behind (host/boot.sh: ordinary_cmdline). */
const NOT_CONFIGURED = /^(BOOT_IMAGE|initrd|vfio_fleet|vfio_fleet\.trial|systemd\.machine_id)=/;

export const bootedBySystemdBoot = (facts: Facts): boolean =>
  (facts.boot.loaderInfo ?? "").startsWith("systemd-boot");

/** The host's own arguments in /etc/kernel/cmdline; where it is missing, tools take the running kernel's. */
export const cmdlineArguments = (facts: Facts): readonly string[] => {
  const ours = ourWords(facts, KERNEL_CMDLINE);
  const text =
    facts.files[KERNEL_CMDLINE]?.content
      .split("\n")
      .filter((line) => !/^\s*#/.test(line))
      .join(" ") ??
    facts.cmdline.replace(/(vfio_fleet\.trial=\S+) panic=30 rd\.shell=0 rd\.emergency=reboot/, "$1");
  return parseCmdline(text).filter((argument) => !NOT_CONFIGURED.test(argument) && !ours.includes(argument));
};
