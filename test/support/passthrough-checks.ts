import { expect } from "vitest";
import type { LabStack } from "./lab-stack.ts";

/** The card of the lab's hosts with one GPU. */
export const GPU = "0000:01:00.0";
export const AUDIO = "0000:01:00.1";

/** Checks that the stack's domain runs, and that its QEMU process holds both functions and boots the firmware. */
export const expectRunning = async (stack: LabStack): Promise<void> => {
  expect(await stack.read("virsh -q domstate win10")).toBe("running");
  const qemu = await stack.read("tr '\\0' ' ' </proc/$(cat /run/libvirt/qemu/win10.pid)/cmdline");
  for (const text of [GPU, AUDIO, "OVMF_CODE_4M.fd"]) expect(qemu).toContain(text);
};

/** Checks that the domain runs, and that its definition has every requested line. */
export const expectDomain = async (stack: LabStack): Promise<void> => {
  await expectRunning(stack);
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
  expect(await stack.read("qemu-img info -U /var/lib/libvirt/images/win10.qcow2")).toContain("1 GiB");
};
