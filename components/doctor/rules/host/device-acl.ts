import type { Rule } from "../../rule.ts";

const NEEDED = ["/dev/null", "/dev/zero", "/dev/random", "/dev/urandom", "/dev/ptmx", "/dev/kvm"] as const;

export const deviceAcl = {
  id: "device-acl",
  title: "cgroup_device_acl replaces libvirt's built-in list but lacks some of its devices",
  looksAt: "/etc/libvirt/qemu.conf",
  explanation:
    "libvirt adds the VFIO nodes of a domain's devices by itself. A cgroup_device_acl in qemu.conf replaces the built-in list. QEMU may not open what it does not name, not even /dev/null.",
  remedy: "remove the setting, or list the built-in devices as well; vfio-fleet keeps them",
  source: "libvirt: qemu.conf, cgroup_device_acl",
  find: ({ facts }) => {
    const content = facts.files["/etc/libvirt/qemu.conf"]?.content ?? "";
    const list = /^\s*cgroup_device_acl\s*=\s*\[([^\]]*)\]/m.exec(content)?.[1];
    if (list === undefined) return [];
    const missing = NEEDED.filter((device) => !list.includes(`"${device}"`));
    return missing.length === 0
      ? []
      : [
          {
            subject: "/etc/libvirt/qemu.conf",
            verdict: "fault" as const,
            found: `cgroup_device_acl lacks ${missing.join(", ")}`,
          },
        ];
  },
} as const satisfies Rule;
