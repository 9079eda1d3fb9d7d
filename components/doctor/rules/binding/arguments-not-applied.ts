import { parseCmdline } from "../../../facts/cmdline.ts";
import type { Facts } from "../../../facts/facts.ts";
import type { Rule } from "../../rule.ts";

const RELEVANT =
  /^(intel_iommu|amd_iommu|iommu|vfio|pcie_|video|initcall_blacklist|hugepages|default_hugepagesz)/;

const KERNEL_CMDLINE = "/etc/kernel/cmdline";
const GRUB_FILE = /^\/etc\/default\/grub(\.d\/.*\.cfg)?$/;

/** Command lines in the file; empty for a file of another boot loader. */
const wantedIn = (facts: Facts, path: string, content: string): string[] => {
  // kernel-install and proxmox-boot-tool write this file into systemd-boot's entries; on a GRUB host it may be a
  // leftover.
  if (path === KERNEL_CMDLINE) return facts.boot.loaderInfo?.startsWith("systemd-boot") ? [content] : [];
  return GRUB_FILE.test(path)
    ? [...content.matchAll(/^\s*GRUB_CMDLINE_LINUX(?:_DEFAULT)?=(["'])(.*)\1\s*$/gm)].map(
        (match) => match[2] ?? "",
      )
    : [];
};

/** Whether there is a grub-mkconfig, and none that reads drop-ins: a patch of Debian and Ubuntu. */
const dropInsUnread = ({ excerpts = {} }: Facts): boolean => {
  const found = Object.entries(excerpts).filter(([path]) => path.endsWith("/grub-mkconfig"));
  return found.length > 0 && found.every(([, lines]) => lines.length === 0);
};

/** Why the loader that boots this host does not read the file, where that is so. */
const unread = (facts: Facts, path: string): string =>
  GRUB_FILE.test(path) && facts.boot.loaderInfo?.startsWith("systemd-boot")
    ? "; systemd-boot boots this host and does not read GRUB's files"
    : path.startsWith("/etc/default/grub.d/") && dropInsUnread(facts)
      ? "; this host's grub-mkconfig does not read /etc/default/grub.d"
      : "";

export const argumentsNotApplied = {
  id: "arguments-not-applied",
  title: "Arguments in the boot loader's configuration are not in effect",
  looksAt: "/etc/default/grub and its drop-ins, /etc/kernel/cmdline, compared with /proc/cmdline",
  explanation:
    "Writing the file is not enough. The boot loader that boots the host must make its menu again from the file, and the host must reboot. systemd-boot reads neither GRUB file.",
  remedy:
    "run update-grub (or the command of the host's boot loader) and reboot; vfio-fleet proves /proc/cmdline after the reboot",
  source: "harvester/harvester#3126; kubevirt-gpu-device-plugin#66",
  find: ({ facts }) => {
    const running = new Set(parseCmdline(facts.cmdline));
    return Object.entries(facts.files).flatMap(([path, { content }]) =>
      wantedIn(facts, path, content).flatMap((wanted) => {
        const missing = parseCmdline(wanted).filter(
          (argument) => RELEVANT.test(argument) && !running.has(argument),
        );
        return missing.length === 0
          ? []
          : [
              {
                subject: path,
                verdict: "fault" as const,
                found: `the running kernel was started without ${missing.join(" ")}${unread(facts, path)}`,
              },
            ];
      }),
    );
  },
} as const satisfies Rule;
