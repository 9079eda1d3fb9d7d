import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startBedFleet, type BedFleet } from "../support/bed/stacks.ts";

/** `vfio-fleet preview` compared with `pulumi preview`, with a real SSH connection and the real engine; no QEMU. */
let fleet: BedFleet;
let stack: string;
beforeAll(async () => {
  fleet = await startBedFleet(1, "test-fast");
  stack = fleet.names[0] ?? "";
});
afterAll(() => fleet?.stop());

const host = (command: string) => (): void => void fleet.host(0).run(command);
const VFIO = "/etc/modprobe.d/vfio.conf";
const RECEIPT = "/var/lib/vfio-fleet/receipts/boot";
const keep = (path: string): string => `cp -p ${path} /root/kept`;
const back = (path: string): string => `cp -p /root/kept ${path}`;

interface Case {
  readonly what: string;
  readonly wanted: "clean" | "changes";
  /** Who decides: the probe alone, or the engine. */
  readonly by: "probe" | "engine";
  readonly change: () => void | Promise<unknown>;
  readonly undo: () => void | Promise<unknown>;
}

const onHost = (what: string, wanted: Case["wanted"], change: string, undo: string): Case => ({
  what,
  wanted,
  by: wanted === "clean" ? "probe" : "engine",
  change: host(change),
  undo: host(undo),
});
const inStack = (what: string, wanted: Case["wanted"], change: () => void): Case => ({
  what,
  wanted,
  by: "engine",
  change,
  undo: () => fleet.describe(0),
});

const cases: readonly Case[] = [
  onHost("nothing at all", "clean", ":", ":"),
  onHost("a file was edited", "changes", `${keep(VFIO)}; echo x >>${VFIO}`, back(VFIO)),
  onHost("a file's mode was changed", "changes", `chmod 600 ${VFIO}`, `chmod 644 ${VFIO}`),
  onHost("a file is gone", "changes", `mv ${VFIO} /root/gone`, `mv /root/gone ${VFIO}`),
  onHost(
    "the block in qemu.conf was edited",
    "changes",
    `${keep("/etc/libvirt/qemu.conf")}; sed -i '/OVMF_CODE_4M.fd/d' /etc/libvirt/qemu.conf`,
    back("/etc/libvirt/qemu.conf"),
  ),
  onHost(
    "qemu.conf was edited beside the block",
    "clean",
    `${keep("/etc/libvirt/qemu.conf")}; sed -i '1i # a comment' /etc/libvirt/qemu.conf`,
    back("/etc/libvirt/qemu.conf"),
  ),
  onHost("a receipt is gone", "changes", `mv ${RECEIPT} /root/gone`, `mv /root/gone ${RECEIPT}`),
  onHost(
    "a receipt has another token",
    "changes",
    `${keep(RECEIPT)}; sed -i 's/token=.*/token=2020-01-01T00:00:00.000Z/' ${RECEIPT}`,
    back(RECEIPT),
  ),
  onHost(
    "the agent was edited",
    "changes",
    `${keep("/usr/local/lib/vfio-fleet/host")}; echo '# x' >>/usr/local/lib/vfio-fleet/host`,
    back("/usr/local/lib/vfio-fleet/host"),
  ),
  onHost(
    "an argument is missing from the command line",
    "changes",
    `${keep("/proc/cmdline")}; sed -i 's/iommu=pt//' /proc/cmdline`,
    back("/proc/cmdline"),
  ),
  onHost(
    "the boot menu was written without it",
    "changes",
    `${keep("/boot/grub/grub.cfg")}; sed -i 's/iommu=pt//' /boot/grub/grub.cfg`,
    back("/boot/grub/grub.cfg"),
  ),
  onHost(
    "the initramfs was built by somebody",
    "changes",
    "touch -r /boot/initrd.img-6.1.0-37-amd64 /root/time; touch /boot/initrd.img-6.1.0-37-amd64",
    "touch -r /root/time /boot/initrd.img-6.1.0-37-amd64",
  ),
  onHost(
    "a function has its host driver back",
    "changes",
    "mv /sys/bus/pci/drivers/vfio-pci/0000:01:00.0 /sys/bus/pci/drivers/nouveau/",
    "mv /sys/bus/pci/drivers/nouveau/0000:01:00.0 /sys/bus/pci/drivers/vfio-pci/",
  ),
  onHost(
    "a package was removed",
    "changes",
    `${keep("/var/lib/dpkg/status")}; sed -i 's/^Package: ovmf/Package: other/' /var/lib/dpkg/status`,
    back("/var/lib/dpkg/status"),
  ),
  onHost(
    "libvirtd does not listen",
    "changes",
    "mv /run/libvirt/libvirt-sock /run/libvirt/gone",
    "mv /run/libvirt/gone /run/libvirt/libvirt-sock",
  ),
  onHost("it was rebooted", "clean", "fake-reboot", ":"),
  onHost(
    "its name was changed",
    "clean",
    "echo other >/proc/sys/kernel/hostname",
    "echo h001 >/proc/sys/kernel/hostname",
  ),
  inStack("a comment in the stack file", "clean", () => {
    const file = `stacks/Pulumi.${stack}.yaml`;
    writeFileSync(file, `# a comment\n${readFileSync(file, "utf8")}`);
  }),
  inStack("a label in the stack file", "clean", () =>
    fleet.describe(0, {}, { "vfio-fleet:labels": { rack: "a" } }),
  ),
  inStack("a setting that no file shows: how to reboot", "changes", () =>
    fleet.describe(0, { kernel: { drain: true } }),
  ),
  inStack("the same setting from what hosts share", "changes", () =>
    fleet.describe(0, {}, { "vfio-fleet:defaults": { kernel: { drain: true } } }),
  ),
  inStack("a module option", "changes", () =>
    fleet.describe(0, { kernel: { moduleOptions: { kvm: { ignore_msrs: 0 } } } }),
  ),
  inStack("another private key that the host knows", "changes", () => {
    const { connection } = fleet.host(0);
    const key = `${readFileSync(connection.privateKeyFile, "utf8")}\n`;
    const file = join(fleet.environment.VFIO_FLEET_DATA, "other-key");
    writeFileSync(file, key, { mode: 0o600 });
    fleet.describe(0, { connection: { ...connection, privateKeyFile: file } });
  }),
  {
    what: "the state lost a resource",
    wanted: "changes",
    by: "engine",
    change: async () => {
      const { output } = await fleet.pulumi("stack", "export", "--stack", stack);
      writeFileSync(join(fleet.environment.VFIO_FLEET_DATA, "state.json"), output);
      const urn = /urn:pulumi:[^"]*:prove/.exec(output)?.[0] ?? "";
      const deleted = await fleet.pulumi("state", "delete", "--yes", urn, "--stack", stack);
      expect(deleted.code, deleted.output).toBe(0);
    },
    undo: () =>
      fleet.pulumi(
        "stack",
        "import",
        "--stack",
        stack,
        "--file",
        join(fleet.environment.VFIO_FLEET_DATA, "state.json"),
      ),
  },
];

test("after an up the probe alone shows that the host is clean", async () => {
  const up = await fleet.fleet("up", stack);
  expect(up.code, up.output).toBe(0);
  const status = await fleet.fleet("status", stack);
  expect(status.events).toContainEqual(expect.objectContaining({ result: "clean", by: "probe" }));
});

test.each(cases)("$what: $wanted, as pulumi preview says", async ({ wanted, by, change, undo }) => {
  // The last command left a record; this test needs the record of a clean host.
  const before = await fleet.fleet("status", stack);
  expect(before.hosts, before.output).toEqual({ [stack]: "clean" });
  await change();
  try {
    const [status, preview] = await Promise.all([
      fleet.fleet("status", stack),
      fleet.pulumi("preview", "--expect-no-changes", "--stack", stack),
    ]);
    expect(preview.code === 0 ? "clean" : "changes", preview.output).toBe(wanted);
    const told = status.events.find((event) => event.type === "host");
    expect(told, status.output).toMatchObject({ result: wanted, by });
    expect(status.code).toBe(wanted === "clean" ? 0 : 2);
  } finally {
    await undo();
  }
});

test("--engine runs the engine even if the probe shows that the host is clean", async () => {
  const status = await fleet.fleet("status", stack, "--engine");
  expect(status.events).toContainEqual(
    expect.objectContaining({ type: "host", result: "clean", by: "engine" }),
  );
});
