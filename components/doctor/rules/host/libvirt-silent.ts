import type { Rule } from "../../rule.ts";

const DAEMONS = ["libvirt-daemon-system", "libvirt-daemon", "libvirt"] as const;

export const libvirtSilent = {
  id: "libvirt-silent",
  title: "libvirt is installed and does not answer",
  looksAt: "packages, libvirt's socket",
  explanation:
    "No domain can be started, and none of what libvirt does by itself (networks, autostart) happens.",
  remedy:
    "systemctl status libvirtd (or virtqemud.socket) says why; a mistake in qemu.conf is the usual reason",
  source: "libvirt: libvirtd(8), virtqemud(8)",
  find: ({ facts }) => {
    const installed = DAEMONS.find((name) => facts.packages[name]);
    return installed === undefined || facts.libvirt.socket
      ? []
      : [
          {
            subject: "libvirt",
            verdict: "fault" as const,
            found: `${installed} ${facts.packages[installed]} is installed, its socket is not there`,
          },
        ];
  },
} as const satisfies Rule;
