import { afterEach, expect, test } from "vitest";
import { startLabStack, type LabStack } from "../support/lab-stack.ts";
import { hostFiles } from "../support/whole-job.ts";

/** Hosts on which passthrough cannot work: the preview says so, and the host keeps every file as it was. */
let stack: LabStack | undefined;
afterEach(async () => {
  await stack?.remove();
  stack = undefined;
});

const refused = async (host: LabStack, message: RegExp): Promise<void> => {
  const { code, output } = await host.preview();
  expect(output).toMatch(message);
  expect(output).not.toMatch(/at .*\.ts:\d+/);
  expect(code).not.toBe(0);
  expect(await host.read("ls -d /var/lib/vfio-fleet /usr/local/lib/vfio-fleet 2>/dev/null || true")).toBe("");
};

test("a host whose firmware offers no IOMMU", async () => {
  stack = await startLabStack("lab-noiommu", "lab-xeon", "test-noiommu");
  await refused(stack, /IOMMU: the firmware offers none[^]*VT-d or AMD-Vi/);
});

test("a card that shares its IOMMU group: the neighbour by address, id and driver", async () => {
  stack = await startLabStack("lab-shared", "lab-xeon", "test-shared");
  const shared = await stack.read("lspci -Dn -d 1234:1111 | cut -d' ' -f1 | tail -n +2 | head -n 1");
  const group = await stack.read(`ls /sys/bus/pci/devices/${shared}/iommu_group/devices`);
  const neighbour = await stack.read("lspci -Dn -d ::0200 | cut -d' ' -f1 | tail -n 1");
  expect(group).toContain(neighbour);
  const ids = await stack.read(`lspci -Dn -s ${shared.replace(/\.0$/, "")} | cut -d' ' -f3 | paste -sd' '`);
  stack.describe((host) => ({ ...host, cards: { "stand-in": { address: shared, ids: ids.split(" ") } } }));
  await refused(stack, new RegExp(`also holds ${neighbour} \\(8086:[0-9a-f]+, driver e1000e?\\)`));
});

test("the only GPU is the boot display: refused unless the host may go headless", async () => {
  stack = await startLabStack("lab-display", "lab-xeon", "test-display");
  const before = await hostFiles(stack);
  const { code, output } = await stack.preview();
  expect(output).toMatch(/0000:01:00\.0 is the host's boot display[^]*headless: true/);
  expect(code).not.toBe(0);
  stack.describe((host) => ({ ...host, headless: true }));
  const allowed = await stack.preview();
  expect(allowed.code, allowed.output).toBe(0);
  expect(await hostFiles(stack)).toBe(before);
  expect(await stack.read("ls -d /var/lib/vfio-fleet 2>/dev/null || true")).toBe("");
});

test("a disk controller is refused as soon as /boot is on it; a network card that nothing needs is a card as any", async () => {
  stack = await startLabStack("lab-carriers", "lab-xeon", "test-carriers");
  const find = async (kind: string): Promise<{ address: string; ids: string[] }> => {
    const [address = "", id = ""] =
      (await stack?.read(`lspci -Dn -d ::${kind} | awk '{ print $1, $3 }' | tail -n 1`))?.split(" ") ?? [];
    return { address, ids: [id] };
  };
  const disk = await find("0108");
  const network = await find("0200");
  stack.describe(({ connection }) => ({ connection, cards: { disk, network } }));
  const free = await stack.preview();
  expect(free.code, free.output).toBe(0);

  await stack.read(
    "mkfs.ext4 -q /dev/nvme0n1 && mount /dev/nvme0n1 /mnt && cp -a /boot/. /mnt && umount /mnt && mount /dev/nvme0n1 /boot",
  );
  const before = await hostFiles(stack);
  const { code, output } = await stack.preview();
  expect(output).toContain(`${disk.address} carries /boot: the host would lose it`);
  expect(output).not.toContain(network.address);
  expect(code).not.toBe(0);
  expect(await hostFiles(stack)).toBe(before);
});
