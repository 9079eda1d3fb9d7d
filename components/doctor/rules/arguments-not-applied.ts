import { parseCmdline } from "../../core/cmdline.ts";
import type { Rule } from "../rule.ts";

const RELEVANT =
  /^(intel_iommu|amd_iommu|iommu|vfio|pcie_|video|initcall_blacklist|hugepages|default_hugepagesz)/;

export const argumentsNotApplied = {
  id: "arguments-not-applied",
  title: "Arguments in the boot loader's configuration are not in effect",
  looksAt: "/etc/default/grub and its drop-ins against /proc/cmdline",
  explanation:
    "Writing the file is not enough: the boot menu has to be made anew from it, by the loader that really boots the host, and the host has to be rebooted. Hosts with systemd-boot read neither file.",
  remedy:
    "run update-grub (or what the host's loader needs) and reboot; vfio-fleet proves /proc/cmdline after the reboot",
  source: "harvester/harvester#3126; kubevirt-gpu-device-plugin#66",
  find: ({ facts }) => {
    const running = new Set(parseCmdline(facts.cmdline));
    return Object.entries(facts.files)
      .filter(([path]) => /^\/etc\/default\/grub(\.d\/.*\.cfg)?$/.test(path))
      .flatMap(([path, { content }]) =>
        [...content.matchAll(/^\s*GRUB_CMDLINE_LINUX(?:_DEFAULT)?=(["'])(.*)\1\s*$/gm)].flatMap((match) => {
          const missing = parseCmdline(match[2] ?? "").filter(
            (argument) => RELEVANT.test(argument) && !running.has(argument),
          );
          return missing.length === 0
            ? []
            : [
                {
                  subject: path,
                  verdict: "fault" as const,
                  found: `the running kernel was started without ${missing.join(" ")}`,
                },
              ];
        }),
      );
  },
} as const satisfies Rule;
