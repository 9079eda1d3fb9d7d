import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bootId, waitForReboot } from "../../lab/machine/boot.ts";
import { findHost } from "../../lab/host.ts";
import { keysDir } from "../../lab/paths.ts";
import { startLabStack, type LabStack } from "../support/lab-stack.ts";
import { expectDomain, GPU } from "../support/passthrough-checks.ts";
import { expectBound } from "../support/whole-job.ts";

/** of no host */
const OTHER_HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";

/** /etc and /boot, file by file; without what the system rewrites by itself. */
const files = (stack: LabStack): Promise<string> =>
  stack.read(
    "find /etc /boot -xdev -type f ! -path '/boot/initrd.img-*' ! -name ld.so.cache ! -path '/etc/libvirt/storage/*'" +
      " ! -path '/etc/lvm/*' -exec stat -c '%a %U:%G %n' {} + | sort -k3; " +
      "find /etc /boot -xdev -type f ! -path '/boot/initrd.img-*' ! -name ld.so.cache ! -path '/etc/libvirt/storage/*'" +
      " ! -path '/etc/lvm/*' -exec sha256sum {} + | sort -k2",
  );

describe("Intel, from a fresh Debian to a running domain and back", () => {
  let stack: LabStack;
  let before: string;
  beforeAll(async () => {
    stack = await startLabStack("lab-xeon", "lab-xeon", "test-xeon");
    // libvirt gives its own files in /etc their UUIDs when it runs for the first time
    await stack.read("virsh -q list --all");
    before = await files(stack);
  });
  afterAll(() => stack?.remove());

  test("a preview names every file and step, and changes nothing", async () => {
    const { code, output } = await stack.preview();
    expect(output).toContain("test-xeon:/etc/modprobe.d/vfio.conf");
    expect(output).toContain("test-xeon:/etc/default/grub.d/90-vfio-fleet.cfg");
    expect(output).toContain("test-xeon:domain win10");
    expect(code).toBe(0);
    expect(await files(stack)).toBe(before);
  });

  test("up: command line, groups, drivers, initramfs, boot menu", async () => {
    const boot = await bootId(stack.host);
    const { code, output } = await stack.up();
    expect(code, output).toBe(0);
    expect(await bootId(stack.host)).not.toBe(boot);
    await expectBound(stack, { vendor: "intel", image: "debian-12", binding: "address" });
    expect(await stack.read("grep -A9 '^# BEGIN vfio-fleet' /etc/libvirt/qemu.conf")).toMatch(
      /nvram = \[\n.*OVMF_CODE_4M\.fd:.*OVMF_VARS_4M\.fd/,
    );
  });

  test("up: the domain runs with both functions under OVMF", () => expectDomain(stack));

  test("the preview after an up is clean", async () => {
    const { code, output } = await stack.preview("--expect-no-changes");
    expect(code, output).toBe(0);
  });

  test("an edit on the host shows in the preview as a readable diff, and up takes it back", async () => {
    await stack.read("printf x >>/etc/modprobe.d/vfio.conf");
    const drifted = await stack.preview();
    expect(drifted.output).toMatch(
      /the host differs: \/etc\/modprobe\.d\/vfio\.conf\n\s*--- on the host\n\s*\+\+\+ wanted/,
    );
    expect(drifted.output).toMatch(/^\s*-x$/m);
    expect(drifted.output).toMatch(/1 to update/);
    const boot = await bootId(stack.host);
    const { code, output } = await stack.up();
    expect(code, output).toBe(0);
    expect(await stack.read("tail -c 2 /etc/modprobe.d/vfio.conf")).toBe("1");
    expect(await bootId(stack.host)).toBe(boot);
    expect((await stack.preview("--expect-no-changes")).code).toBe(0);
  });

  test("a domain that was stopped is drift, and started again", async () => {
    await stack.read("virsh -q destroy win10");
    const drifted = await stack.preview();
    expect(drifted.output).toContain("win10 is shut off");
    expect((await stack.up()).code).toBe(0);
    expect(await stack.read("virsh -q domstate win10")).toBe("running");
  });

  describe("refused in preview: one clear error, and nothing changed", () => {
    // a guest two emulations deep takes most of the host's processors, and has nothing to do here
    beforeAll(() => stack.read("virsh -q suspend win10"));
    afterAll(() => stack.read("virsh -q resume win10"));
    const card = (change: object) => (host: Record<string, unknown>) => ({
      ...host,
      cards: { "stand-in": { address: GPU, ids: ["1234:1111", "8086:293e"], ...change } },
    });
    const connection = (change: object) => (host: Record<string, unknown>) => ({
      ...host,
      connection: { ...(host["connection"] as object), ...change },
    });
    test("a host key that nobody has approved: the key, how to check it, and where to put it", async () => {
      const { sshPort } = findHost(stack.host);
      stack.describe((host) => ({
        ...host,
        connection: { host: "127.0.0.1", port: sshPort, privateKeyFile: join(keysDir(), "id_ed25519") },
      }));
      const { code, output } = await stack.preview();
      stack.describe((host) => host);
      const key = await stack.read("cut -d' ' -f1,2 /etc/ssh/ssh_host_ed25519_key.pub");
      expect(output).toContain("its host key is unknown");
      expect(output).toContain("ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub");
      expect(output).toContain(`hostKey: "${key}"`);
      expect(code).not.toBe(0);
    });

    test.each([
      [
        "an address without a device",
        card({ address: "0000:07:00.0" }),
        /no PCI device at 0000:07:00\.0[^]*0000:01:00\.0/,
      ],
      [
        "another card in the slot",
        card({ ids: ["10de:1c81", "10de:0fb9"] }),
        /are 1234:1111, 8086:293e, expected 10de:1c81/,
      ],
      [
        "the boot display",
        card({ address: "0000:00:04.0", ids: ["1234:1111"] }),
        /boot display[^]*headless: true/,
      ],
      [
        "the disk with the root file system",
        card({ address: "0000:00:02.0", ids: ["1af4:1042"] }),
        /carries \/: the host would lose it/,
      ],
      [
        "neither root nor sudo",
        connection({ user: "nosudo" }),
        /nosudo is neither root nor allowed[^]*sudoPassword/,
      ],
      [
        "a key that the host does not know",
        connection({ privateKeyFile: join(keysDir(), "host_ed25519") }),
        /refused the key [^]*authorized_keys/,
      ],
      [
        "another host's key",
        connection({ hostKey: OTHER_HOST_KEY }),
        /wrong host key: it shows SHA256:\S+, expected SHA256:[^]*reinstalled/,
      ],
      [
        "nothing listens",
        connection({ port: 1 }),
        /connection refused[^]*start the lab host: npm run lab -- up/,
      ],
      [
        "a key that is not there",
        connection({ privateKeyFile: "/nowhere/key" }),
        /cannot read \/nowhere\/key/,
      ],
      ["an unknown setting", (host: object) => ({ ...host, headles: true }), /did you mean "headless"/],
      [
        "all of them at once",
        (host: Record<string, unknown>) => ({
          ...card({ address: "0000:00:04.0", ids: ["1234:1112"] })(host),
        }),
        /expected 1234:1112[^]*boot display/,
      ],
    ])("%s", async (_, change, message) => {
      const receipts = await stack.read(
        "ls -l --time-style=full-iso /var/lib/vfio-fleet/receipts /etc/modprobe.d",
      );
      stack.describe(change);
      const { code, output } = await stack.preview();
      stack.describe((host) => host);
      expect(output).toMatch(message);
      expect(output).not.toMatch(/at .*\.ts:\d+/);
      expect(code).not.toBe(0);
      expect(
        await stack.read("ls -l --time-style=full-iso /var/lib/vfio-fleet/receipts /etc/modprobe.d"),
      ).toBe(receipts);
    });
  });

  test("a plain user with sudo can do it all: the preview is as root's", async () => {
    stack.describe((host) => ({ ...host, connection: { ...(host["connection"] as object), user: "op" } }));
    const { code, output } = await stack.preview();
    stack.describe((host) => host);
    expect(output).toContain("sudo -n /usr/local/lib/vfio-fleet/host");
    expect(code).toBe(0);
  });

  test("destroy puts every file back and boots the old configuration", async () => {
    const boot = await bootId(stack.host);
    const { code, output } = await stack.destroy();
    expect(code, output).toBe(0);
    await waitForReboot(stack.host, boot);
    expect(await files(stack)).toBe(before);
    expect(await stack.read("cat /proc/cmdline")).not.toMatch(/iommu|vfio/);
    expect(await stack.read(`basename $(readlink /sys/bus/pci/devices/${GPU}/driver)`)).toBe("bochs-drm");
    expect(await stack.read("virsh -q list --all")).toBe("");
    expect(await stack.read("ls -d /usr/local/lib/vfio-fleet /var/lib/vfio-fleet 2>/dev/null || true")).toBe(
      "",
    );
    // the guest's data is the user's
    expect(await stack.read("ls /var/lib/libvirt/images")).toContain("win10.qcow2");
  });
});
