import { logLines } from "../../patient.ts";
import type { Rule } from "../../rule.ts";

export const apparmorDenied = {
  id: "apparmor-denied",
  title: "AppArmor has denied an access of QEMU or libvirt",
  looksAt: "the kernel's log",
  explanation:
    "The kernel's log has a line with profile and path for every denial. A domain's own profile is called libvirt- followed by its UUID.",
  remedy:
    "move the file to a folder that the profile allows, or add its path to /etc/apparmor.d/local/abstractions/libvirt-qemu",
  source: "libvirt: AppArmor driver; BigAnteater/KVM-GPU-Passthrough#39",
  needs: ["kernelLog"],
  find: (patient) => {
    const denials = logLines(patient, /apparmor="DENIED"/).filter((line) =>
      /profile="(libvirt|virt|.*libvirtd)/.test(line),
    );
    const names = new Set(denials.map((line) => /name="([^"]+)"/.exec(line)?.[1] ?? line));
    return [...names].map((name) => ({
      subject: "AppArmor",
      verdict: "fault" as const,
      found: `denied: ${name}`,
    }));
  },
} as const satisfies Rule;
