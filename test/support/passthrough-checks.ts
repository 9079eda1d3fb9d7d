import { expect } from "vitest";
import type { LabStack } from "./lab-stack.ts";

/** The card of the lab's hosts with one GPU. */
export const GPU = "0000:01:00.0";
export const AUDIO = "0000:01:00.1";

/** What a passthrough host shows, read over plain ssh and virsh: nothing of the code under test is asked. */
export const expectPassthrough = async (
  stack: LabStack,
  iommu: { unit: RegExp; argument: string | undefined },
): Promise<void> => {
  const cmdline = (await stack.read("cat /proc/cmdline")).split(" ");
  expect(cmdline).toContain("iommu=pt");
  if (iommu.argument !== undefined) expect(cmdline).toContain(iommu.argument);
  expect(await stack.read("ls /sys/class/iommu")).toMatch(iommu.unit);
  for (const address of [GPU, AUDIO]) {
    expect(await stack.read(`basename $(readlink /sys/bus/pci/devices/${address}/driver)`)).toBe("vfio-pci");
    expect(await stack.read(`ls /sys/bus/pci/devices/${address}/iommu_group/devices`)).toBe(
      `${GPU}\n${AUDIO}`,
    );
  }
  // the card of the same kind that is the host's own display stays with the host
  expect(await stack.read("basename $(readlink /sys/bus/pci/devices/0000:00:04.0/driver)")).not.toBe(
    "vfio-pci",
  );

  const image = await stack.read("lsinitramfs /boot/initrd.img-$(uname -r)");
  for (const file of [
    "/vfio-pci.ko",
    "/vfio_iommu_type1.ko",
    "etc/vfio-fleet/bind",
    "etc/modprobe.d/vfio.conf",
  ])
    expect(image).toContain(file);

  // the proved configuration is the default, and no trial is left behind
  const entry = await stack.read(
    "sed -n '/^menuentry/,/^}/p' /boot/grub/grub.cfg | grep -m1 -E '^\\s*linux'",
  );
  expect(entry).toContain("iommu=pt");
  expect(entry).not.toContain("vfio_fleet.trial");
  expect(await stack.read("ls /boot /boot/grub")).not.toMatch(/trial|custom\.cfg/);
  expect(await stack.read("grub-editenv list | grep next_entry= || true")).not.toContain("vfio-fleet");
};

export const expectDomain = async (stack: LabStack): Promise<void> => {
  expect(await stack.read("virsh -q domstate win10")).toBe("running");
  const xml = await stack.read("virsh dumpxml --inactive win10");
  for (const text of [
    "OVMF_CODE_4M.fd",
    "<vmport state='off'/>",
    "<hidden state='on'/>",
    "<vendor_id state='on'",
    "<topology sockets='1' dies='1' cores='1' threads='2'/>",
    "<graphics type='vnc'",
    "listen='127.0.0.1'",
    "<model type='vga'",
    "/var/lib/libvirt/images/win10.qcow2",
  ])
    expect(xml).toContain(text);
  expect(xml.match(/<hostdev mode='subsystem' type='pci'/g)).toHaveLength(2);
  // the running QEMU process holds both functions and boots the firmware
  const qemu = await stack.read("tr '\\0' ' ' </proc/$(cat /run/libvirt/qemu/win10.pid)/cmdline");
  for (const text of [GPU, AUDIO, "OVMF_CODE_4M.fd"]) expect(qemu).toContain(text);
  expect(await stack.read("qemu-img info -U /var/lib/libvirt/images/win10.qcow2")).toContain("1 GiB");
};
