import { createHash } from "node:crypto";
import { afterEach, describe, expect, test } from "vitest";
import { grubPlain } from "../../../components/drivers/bootloader/grub/driver.ts";
import { debian } from "../../../components/drivers/distro/debian/driver.ts";
import { initramfsTools } from "../../../components/drivers/initramfs/initramfs-tools/driver.ts";
import { FakeAgent } from "../support/fake-agent.ts";
import { SHELLS, type Shell } from "../support/fake-host.ts";

let host: FakeAgent;
afterEach(() => host.remove());
const start = (shell: Shell): void => {
  host = new FakeAgent({ bootloader: grubPlain, initramfs: initramfsTools, distro: debian }, shell);
};
const ok = (words: readonly string[], input?: string): void => {
  const { status, errors } = host.run(words, input);
  expect({ status, errors }).toEqual({ status: 0, errors: "" });
};

const PATH = "/etc/default/grub";
const BLOCK = `# BEGIN vfio-fleet
GRUB_CMDLINE_LINUX_DEFAULT="$GRUB_CMDLINE_LINUX_DEFAULT iommu=pt"
# END vfio-fleet
`;
const INPUT = 'GRUB_CMDLINE_LINUX_DEFAULT="$GRUB_CMDLINE_LINUX_DEFAULT iommu=pt"';

describe.each(SHELLS)("a block in a file that others write, with %s", (shell) => {
  test.each([
    ["double quotes", 'GRUB_DEFAULT=0\nGRUB_CMDLINE_LINUX_DEFAULT="quiet splash"\n'],
    ["single quotes", "GRUB_CMDLINE_LINUX_DEFAULT='quiet'\n# a comment\n"],
    ["continued lines", 'GRUB_CMDLINE_LINUX_DEFAULT="quiet \\\n  splash"\n'],
    ["a missing variable", "GRUB_TIMEOUT=5\n"],
    ["an empty file", ""],
    ["a last line without its end", "GRUB_TIMEOUT=5"],
    ["a last line that goes on", "GRUB_TIMEOUT=5 \\\n"],
    ["tabs, carriage returns and bytes beyond ASCII", "\tGRUB_DISTRIBUTOR=`lsb_release`\r\n# ü\n\n\n"],
  ])("%s: all else byte for byte, and undone to the byte, with mode", (_, original) => {
    start(shell);
    host.file(PATH, original, { exact: true, mode: 0o640 });
    ok(["block", PATH, "token=t1"], INPUT);
    const written = host.read(PATH) ?? "";
    expect(written.startsWith(original)).toBe(true);
    expect(written.endsWith(`${original === "" ? "" : "\n"}${BLOCK}`)).toBe(true);
    // called again, with the same and with another block
    ok(["block", PATH, "token=t2"], INPUT);
    expect(host.read(PATH)).toBe(written);
    ok(["block", PATH, "token=t3"], "A=1");
    // what was wanted, beside what the file as a whole was
    const digest = createHash("sha256").update("A=1").digest("hex");
    expect(host.receipt(PATH)).toMatchObject({ token: "t3", asked: PATH, block: digest });
    ok(["unblock", PATH]);
    expect(host.read(PATH)).toBe(original);
    expect(host.list("/var/lib/vfio-fleet/kept")).toEqual([]);
    expect(host.list("/var/lib/vfio-fleet/receipts")).toEqual([]);
  });

  test("a file that is not there is refused, or made and taken away again with its folders", () => {
    start(shell);
    const path = "/etc/apparmor.d/local/abstractions/libvirt-qemu";
    expect(host.run(["block", path, "token=t1"], INPUT).errors).toMatch(/is not there: the package/);
    ok(["block", path, "new", "token=t1"], INPUT);
    expect(host.read(path)).toBe(BLOCK);
    ok(["unblock", path]);
    expect(host.list("/etc")).not.toContain("apparmor.d");
  });

  test("what somebody wrote there since then stays, only the block goes", () => {
    start(shell);
    host.file(PATH, "A=1");
    ok(["block", PATH, "token=t1"], INPUT);
    host.file(PATH, `${host.read(PATH) ?? ""}B=2`);
    ok(["unblock", PATH]);
    expect(host.read(PATH)).toBe("A=1\nB=2\n");
    expect(host.list("/var/lib/vfio-fleet/kept")).toEqual([]);
  });

  test("the shell that reads the file takes the arguments last, whatever stands above", () => {
    start(shell);
    host.file(PATH, 'GRUB_CMDLINE_LINUX_DEFAULT=\'quiet "x y"\'\nGRUB_CMDLINE_LINUX_DEFAULT="a \\\nb"');
    ok(["block", PATH, "token=t1"], INPUT);
    expect(host.call('. /etc/default/grub; echo "$GRUB_CMDLINE_LINUX_DEFAULT"').output).toBe(
      "a b iommu=pt\n",
    );
  });
});

describe.each(SHELLS)("arguments in /etc/kernel/cmdline, with %s", (shell) => {
  const CMDLINE = "/etc/kernel/cmdline";
  const receipt = (): string | undefined => host.receipt(CMDLINE)?.["words"];

  test("they come last in the first line, once; others keep their place", () => {
    start(shell);
    host.file(CMDLINE, "root=ZFS=rpool/ROOT/pve-1  boot=zfs iommu=pt\n# a second line");
    ok(["words", CMDLINE, "token=t1"], "intel_iommu=on iommu=pt\n");
    expect(host.read(CMDLINE)).toBe(
      "root=ZFS=rpool/ROOT/pve-1  boot=zfs iommu=pt intel_iommu=on\n# a second line\n",
    );
    // iommu=pt was there before: not ours, so it stays when we go
    expect(receipt()).toBe("intel_iommu=on");
    expect(host.receipt(CMDLINE)?.["wanted"]).toBe("intel_iommu=on iommu=pt");
    ok(["words", CMDLINE, "token=t2"], "intel_iommu=on iommu=pt\n");
    expect(receipt()).toBe("intel_iommu=on");
    ok(["words", CMDLINE, "token=t3"], "a=b\n");
    expect(host.read(CMDLINE)).toBe("root=ZFS=rpool/ROOT/pve-1  boot=zfs iommu=pt a=b\n# a second line\n");
  });

  test("undone to the byte, or only ours taken out of what somebody changed", () => {
    start(shell);
    host.file(CMDLINE, "root=/dev/sda2 quiet", { exact: true });
    ok(["words", CMDLINE, "token=t1"], "intel_iommu=on\n");
    ok(["unwords", CMDLINE]);
    expect(host.read(CMDLINE)).toBe("root=/dev/sda2 quiet");
    ok(["words", CMDLINE, "token=t1"], "intel_iommu=on iommu=pt\n");
    host.file(CMDLINE, "root=/dev/sda2 intel_iommu=on debug iommu=pt");
    ok(["unwords", CMDLINE]);
    expect(host.read(CMDLINE)).toBe("root=/dev/sda2 debug\n");
    expect(host.list("/var/lib/vfio-fleet/kept")).toEqual([]);
  });

  test("a file that is missing starts from the running kernel's arguments, and goes again", () => {
    start(shell);
    host.file(
      "/proc/cmdline",
      "initrd=\\4f5c\\6.12\\initrd root=UUID=a52b ro quiet systemd.machine_id=4f5c vfio_fleet.trial=t0 panic=30 rd.shell=0 rd.emergency=reboot",
    );
    ok(["words", CMDLINE, "token=t1"], "iommu=pt\n");
    expect(host.read(CMDLINE)).toBe("root=UUID=a52b ro quiet iommu=pt\n");
    ok(["unwords", CMDLINE]);
    expect(host.read(CMDLINE)).toBeUndefined();
    expect(host.list("/etc")).toEqual([]);
  });
});
