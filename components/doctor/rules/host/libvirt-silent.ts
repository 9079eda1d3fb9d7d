import type { Rule } from "../../rule.ts";

const DAEMONS = ["libvirt-daemon-system", "libvirt-daemon", "libvirt"] as const;

export const libvirtSilent = {
  id: "libvirt-silent",
  title: "libvirt is installed but does not answer",
  looksAt: "packages, libvirt's socket",
  explanation: "No domain can be started, and libvirt's own work (networks, autostart) does not happen.",
  remedy:
    "systemctl status libvirtd (or virtqemud.socket) shows the reason; it is mostly a mistake in qemu.conf",
  source: "libvirt: libvirtd(8), virtqemud(8)",
  find: ({ facts }) => {
    const installed = DAEMONS.find((name) => facts.packages[name]);
    return installed === undefined || facts.libvirt.socket
      ? []
      : [
          {
            subject: "libvirt",
            verdict: "fault" as const,
            found: `${installed} ${facts.packages[installed]} is installed, but its socket does not exist`,
          },
        ];
  },
} as const satisfies Rule;
