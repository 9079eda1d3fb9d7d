import { sshOutput } from "./ssh.ts";

/** One thing a person can check by hand: what it is called, the command that shows it, what it said. */
export interface Proof {
  readonly what: string;
  readonly shown: string;
}

/** What is shown, and the command that prints it as one short line on the host. */
const QUESTIONS = [
  ["kernel command line", "tr ' ' '\\n' </proc/cmdline | grep -E 'iommu' | paste -sd' '"],
  [
    "IOMMU in the kernel log",
    "dmesg | grep -iE 'DMAR: IOMMU enabled|AMD-Vi: .*(Enabled|Found IOMMU|Interrupt remapping enabled)' | head -n 1 | sed 's/^[^]]*] //'",
  ],
  ["IOMMU units", "ls /sys/class/iommu | paste -sd' '"],
  ["IOMMU groups", "ls /sys/kernel/iommu_groups | wc -l"],
  [
    "bound to vfio-pci",
    "for d in /sys/bus/pci/drivers/vfio-pci/0*; do echo \"${d##*/} (group $(basename $(readlink $d/iommu_group)))\"; done | paste -sd, | sed 's/,/, /g'",
  ],
  [
    "in the initramfs",
    "lsinitramfs /boot/initrd.img-$(uname -r) | grep -oE '(vfio-pci|vfio_iommu_type1)\\.ko|init-top/00-vfio-fleet$|etc/vfio-fleet/bind$' | paste -sd' '",
  ],
  [
    "qemu.conf",
    "sed -n '/^# BEGIN vfio-fleet/,/^# END/p' /etc/libvirt/qemu.conf | grep -oE '^[a-z_]+' | paste -sd' '",
  ],
  [
    "libvirt and QEMU",
    "virsh -q version | grep -E 'library|hypervisor' | sed 's/.*: //' | paste -sd, | sed 's/,/, /'",
  ],
  ["domains", "virsh -q list --all | awk '{print $2 \" (\" $3 \")\"}' | paste -sd' '"],
  ["firmware of the domain", "virsh dumpxml win10 | sed -n 's/.*<loader[^>]*>\\(.*\\)<.loader>.*/\\1/p'"],
  ["cards in the running domain", "virsh dumpxml win10 | grep -A3 '<hostdev' | grep -c '<address domain'"],
  ["screen", "virsh domdisplay win10"],
] as const;

/** Reads every proof in one round trip, over plain ssh: nothing of the code that did the work is asked. */
export const readProofs = async (host: string): Promise<readonly Proof[]> => {
  const script = QUESTIONS.map(
    ([what, command]) => `printf '%s\\t%s\\n' '${what}' "$(${command} 2>&1)"`,
  ).join("\n");
  const answer = await sshOutput(host, "sh -s", { input: script });
  return answer
    .split("\n")
    .filter((line) => line.includes("\t"))
    .map((line) => {
      const [what = "", shown = ""] = line.split("\t");
      return { what, shown: shown === "" ? "nothing" : shown };
    });
};
