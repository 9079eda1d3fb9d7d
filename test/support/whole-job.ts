import { expect } from "vitest";
import { bootId, waitForReboot } from "../../lab/machine/boot.ts";
import type { HostName } from "../../lab/hosts.ts";
import type { LabStack } from "./lab-stack.ts";
import { AUDIO, expectRunning, GPU } from "./passthrough-checks.ts";

/** One variant of the main job. */
export interface Job {
  readonly vendor: "intel" | "amd";
  readonly image: "debian-12" | "debian-13";
  readonly binding: "address" | "id";
}

/** The result of a job: one line of the matrix. */
export interface JobLine extends Job {
  readonly loader: string;
  readonly initramfs: string;
  /** From the preview to the reboot after destroy, without the host's own start. */
  readonly seconds: number;
}

const GROUPED = [GPU, AUDIO];
/** A card of the same kind as the board's own display. Binding by id takes it too, or is refused. */
const BOARD = "0000:00:04.0";

const HOSTS = {
  "intel debian-12": "lab-xeon",
  "amd debian-12": "lab-fx8350",
  "intel debian-13": "lab-trixie",
  "amd debian-13": "lab-trixie-amd",
} as const satisfies Record<`${Job["vendor"]} ${Job["image"]}`, HostName>;

export const hostOf = ({ vendor, image }: Job): HostName => HOSTS[`${vendor} ${image}`];
/** The project's stack file for such a host. */
export const stackFileOf = ({ vendor }: Job): string => (vendor === "intel" ? "lab-xeon" : "lab-fx8350");

/** The change of a stack's description for this binding. */
export const bindingOf =
  ({ binding }: Job) =>
  (host: Record<string, unknown>): Record<string, unknown> =>
    binding === "address"
      ? host
      : {
          ...host,
          headless: true,
          kernel: { binding: "id" },
          cards: { ...(host["cards"] as object), board: { address: BOARD, ids: ["1234:1111"] } },
        };

const bound = ({ binding }: Job): readonly string[] => (binding === "id" ? [...GROUPED, BOARD] : GROUPED);

export const driverOf = (stack: LabStack, address: string): Promise<string> =>
  stack.read(`basename $(readlink /sys/bus/pci/devices/${address}/driver || echo none)`);

const expectGrub = async (stack: LabStack): Promise<void> => {
  const entry = await stack.read(
    "sed -n '/^menuentry/,/^}/p' /boot/grub/grub.cfg | grep -m1 -E '^\\s*linux'",
  );
  expect(entry).toContain("iommu=pt");
  expect(entry).not.toContain("vfio_fleet.trial");
  expect(await stack.read("cat /boot/grub/grub.cfg")).toContain("--id vfio-fleet-recovery");
  expect(await stack.read("ls /boot /boot/grub")).not.toMatch(/trial|custom\.cfg/);
  expect(await stack.read("grub-editenv list")).not.toContain("vfio-fleet");
};

const expectSystemdBoot = async (stack: LabStack): Promise<void> => {
  const entries = "/boot/efi/loader/entries";
  expect(await stack.read(`ls ${entries}`)).toMatch(/^0-vfio-fleet-recovery\.conf\n[0-9a-f]{32}-\S+\.conf$/);
  const entry = await stack.read(`cat ${entries}/[1-9a-f]*.conf`);
  expect(entry).toMatch(/^options .*iommu=pt/m);
  expect(entry).not.toContain("vfio_fleet.trial");
  expect(await stack.read("ls /boot /boot/efi")).not.toMatch(/vfio-fleet/);
  // The image that boots is the one that was unpacked and proved.
  const initrd = /^initrd\s+(\S+)$/m.exec(entry)?.[1] ?? "";
  await stack.read(`cmp /boot/efi${initrd} /boot/initrd.img-$(uname -r)`);
  expect(await stack.read("bootctl --no-pager list | grep -B1 -A3 '(default)'")).not.toContain("vfio-fleet");
};

/** Checks a passthrough host over plain ssh, without the code under test. */
export const expectBound = async (stack: LabStack, job: Job): Promise<void> => {
  const cmdline = (await stack.read("cat /proc/cmdline")).split(" ");
  expect(cmdline).toContain("iommu=pt");
  expect(cmdline.includes("intel_iommu=on")).toBe(job.vendor === "intel");
  expect(cmdline.join(" ")).not.toContain("amd_iommu");
  expect(await stack.read("ls /sys/class/iommu")).toMatch(job.vendor === "intel" ? /^dmar\d/ : /^ivhd\d/);
  for (const address of bound(job)) expect(await driverOf(stack, address)).toBe("vfio-pci");
  if (job.binding === "address") expect(await driverOf(stack, BOARD)).not.toBe("vfio-pci");
  for (const address of GROUPED)
    expect(await stack.read(`ls /sys/bus/pci/devices/${address}/iommu_group/devices`)).toBe(
      GROUPED.join("\n"),
    );
  const image = await stack.read(
    `${job.image === "debian-12" ? "lsinitramfs" : "lsinitrd"} /boot/initrd.img-$(uname -r)`,
  );
  for (const file of [
    "/vfio-pci.ko",
    "/vfio_iommu_type1.ko",
    "etc/vfio-fleet/bind",
    "etc/modprobe.d/vfio.conf",
  ])
    expect(image).toContain(file);
  expect((await stack.read("cat /etc/modprobe.d/vfio.conf")).includes("ids=1234:1111,8086:293e")).toBe(
    job.binding === "id",
  );
  await (job.image === "debian-12" ? expectGrub(stack) : expectSystemdBoot(stack));
};

/**
 * Every file below /etc, /boot and the EFI system partition: mode, owner, content. Files that a running system
 * rewrites by itself are left out, and so are images, which are built again.
 */
export const hostFiles = (stack: LabStack): Promise<string> => {
  const found =
    "find /etc /boot $(mountpoint -q /boot/efi && echo /boot/efi) -xdev -type f ! -path '*/initrd*'" +
    " ! -name ld.so.cache ! -name random-seed ! -path '/etc/libvirt/storage/*' ! -path '/etc/lvm/*'";
  return stack.read(
    `${found} -exec stat -c '%a %U:%G %n' {} + | sort -uk3; ${found} -exec sha256sum {} + | sort -uk2`,
  );
};

/** Checks after destroy: the files of `before`, the host's own drivers, nothing of this project. */
export const expectAsBefore = async (stack: LabStack, before: string): Promise<void> => {
  expect(await hostFiles(stack)).toBe(before);
  expect(await stack.read("cat /proc/cmdline")).not.toMatch(/iommu|vfio/);
  for (const address of [GPU, BOARD]) expect(await driverOf(stack, address)).toMatch(/^bochs-drm/);
  expect(await stack.read("virsh -q list --all")).toBe("");
  expect(await stack.read("ls -d /usr/local/lib/vfio-fleet /var/lib/vfio-fleet 2>/dev/null || true")).toBe(
    "",
  );
};

/** libvirt gives its own files in /etc their UUIDs at its first start. */
export const filesBefore = async (stack: LabStack): Promise<string> => {
  await stack.read("virsh -q list --all");
  return hostFiles(stack);
};

export const expectUp = async (stack: LabStack, job: Job): Promise<void> => {
  const boot = await bootId(stack.host);
  const { code, output } = await stack.up();
  expect(code, output).toBe(0);
  expect(await bootId(stack.host)).not.toBe(boot);
  await expectBound(stack, job);
  await expectRunning(stack);
  const clean = await stack.preview("--expect-no-changes");
  expect(clean.code, clean.output).toBe(0);
};

export const expectDestroyed = async (stack: LabStack, before: string): Promise<void> => {
  const boot = await bootId(stack.host);
  const { code, output } = await stack.destroy();
  expect(code, output).toBe(0);
  await waitForReboot(stack.host, boot);
  await expectAsBefore(stack, before);
};

/** Preview, up, proof, clean preview, destroy. Boot loader and initramfs generator come from the host's own facts. */
export const expectWholeJob = async (stack: LabStack, job: Job): Promise<JobLine> => {
  const before = await filesBefore(stack);
  stack.describe(bindingOf(job));
  const loader = await stack.read(
    "info=$(tr -d '\\000' </sys/firmware/efi/efivars/LoaderInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f 2>/dev/null | cut -c2-) || :;" +
      ' case $info in systemd-boot*) echo "$info" ;; *) case $(cat /proc/cmdline) in BOOT_IMAGE=*) grub-install --version ;; esac ;; esac',
  );
  const initramfs = await stack.read(
    "command -v mkinitramfs >/dev/null && echo initramfs-tools || { command -v dracut >/dev/null && echo dracut; }",
  );
  const start = performance.now();
  const preview = await stack.preview();
  expect(preview.code, preview.output).toBe(0);
  await expectUp(stack, job);
  await expectDestroyed(stack, before);
  return {
    ...job,
    loader: /systemd-boot \d+|GRUB\) [\d.]+/.exec(loader)?.[0].replace(")", "") ?? loader,
    initramfs,
    seconds: Math.round((performance.now() - start) / 1000),
  };
};
