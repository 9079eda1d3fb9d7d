import { afterEach, expect, test } from "vitest";
import { startLabStack, type LabStack } from "../support/lab-stack.ts";
import { hostFiles } from "../support/whole-job.ts";

/** Devices that the host itself lives on, on hosts that have them in a place of their own. */
let stack: LabStack | undefined;
afterEach(async () => {
  await stack?.remove();
  stack = undefined;
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
