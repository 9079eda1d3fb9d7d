import { sshOutput } from "./access/ssh.ts";

/** One fact that a person can check by hand: its name, the command that shows it, and the command's output. */
export interface Proof {
  readonly what: string;
  readonly shown: string;
  /** Whether the output is that of a passthrough host. */
  readonly holds: boolean;
}

/** Each check: its name, a command that prints one short line on the host, and the expected form of that line. */
const CHECKS: readonly (readonly [what: string, command: string, expected: RegExp])[] = [
  ["kernel command line", "tr ' ' '\\n' </proc/cmdline | grep iommu | paste -sd' '", /iommu=pt/],
  [
    "IOMMU in the kernel log",
    "dmesg | grep -E 'DMAR: (IOMMU enabled|Intel.R. Virtualization Technology)|AMD-Vi: (Interrupt remapping enabled|Found IOMMU|.*Enabled)' | head -n 1 | sed 's/^[^]]*] //'",
    /DMAR|AMD-Vi/,
  ],
  ["IOMMU units", "ls /sys/class/iommu | paste -sd' '", /^(dmar|ivhd)/],
  ["IOMMU groups", "ls /sys/kernel/iommu_groups | wc -l", /^[1-9]/],
  [
    "on vfio-pci (IOMMU group)",
    'for d in /sys/bus/pci/drivers/vfio-pci/0*; do echo "${d##*/} ($(basename $(readlink $d/iommu_group)))"; done | paste -sd" "',
    /\.0 \(\d+\) .*\.1 \(\d+\)/,
  ],
  [
    "in the initramfs",
    "lsinitramfs /boot/initrd.img-$(uname -r) | grep -oE '(vfio-pci|vfio_iommu_type1)\\.ko|00-vfio-fleet$|vfio-fleet/bind$' | paste -sd' '",
    /vfio-pci\.ko.*|bind/,
  ],
  [
    "default boot entry",
    "sed -n '/^menuentry/,/^}/p' /boot/grub/grub.cfg | grep -m1 -E '^[[:space:]]*linux' | tr ' ' '\\n' | grep iommu | paste -sd' '",
    /iommu=pt/,
  ],
  [
    "qemu.conf",
    "sed -n '/^# BEGIN vfio-fleet/,/^# END/p' /etc/libvirt/qemu.conf | grep -oE '^[a-z_]+' | paste -sd' '",
    /nvram cgroup_device_acl/,
  ],
  [
    "libvirt and QEMU",
    "virsh -q version | grep -E 'library|Running' | sed 's/.*: //' | sort -u | paste -sd' '",
    /QEMU [0-9.]+ libvirt [0-9.]+/,
  ],
  ["domain win10", "virsh -q domstate win10", /^running/],
  ["its firmware", "virsh dumpxml win10 | sed -n 's/.*<loader[^>]*>\\(.*\\)<.loader>.*/\\1/p'", /OVMF_CODE/],
  [
    "its cards",
    "virsh dumpxml win10 | grep -A4 '<hostdev' | sed -n \"s/.*<address domain='0x0*\\([0-9a-f]*\\)' bus='0x\\(..\\)' slot='0x\\(..\\)' function='0x\\(.\\)'.*/\\2:\\3.\\4/p\" | paste -sd' '",
    /\.0 .*\.1/,
  ],
  ["its screen", "virsh domdisplay win10", /^vnc:\/\/127\.0\.0\.1/],
];

/** Reads every proof in one round trip over plain ssh, without any code that did the work. */
export const readProofs = async (host: string): Promise<readonly Proof[]> => {
  const script = CHECKS.map(([what, command]) => `printf '%s\\t%s\\n' '${what}' "$(${command} 2>&1)"`).join(
    "\n",
  );
  const answer = await sshOutput(host, "sh -s", { input: script });
  return answer
    .split("\n")
    .filter((line) => line.includes("\t"))
    .map((line) => {
      const [what = "", shown = ""] = line.split("\t");
      const expected = CHECKS.find(([name]) => name === what)?.[2];
      return { what, shown: shown === "" ? "nothing" : shown, holds: expected?.test(shown) ?? false };
    });
};
