import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { KIB } from "../unit/support/option-rom.ts";
import { checkSharingDomains, labDomain } from "./domain-checks.ts";
import { fourCards, functionsOf, ROM } from "./four-cards.ts";
import { guestSaid, serialOf } from "./guests.ts";
import type { LabStack } from "./lab-stack.ts";

/** A setting by hand, in a file that the stack owns a part of. */
const BY_HAND = "\\n# set by hand\\nmax_files = 4096\\n";

/** The domains of a host with four cards. {@link takeAwayByHand} removes what its guests leave on the host. */
export const checkFourDomains = (given: () => LabStack): void => {
  const { driversOf, change, addDomains, setLibvirt } = fourCards(given);
  checkSharingDomains(given, "one", change);

  test("in qemu.conf comments and other settings stay, and libvirt restarts without an effect on a running domain", async () => {
    const stack = given();
    await stack.read(`printf '${BY_HAND}' >>/etc/libvirt/qemu.conf`);
    const others = (): Promise<string> =>
      stack.read("sed '/^# BEGIN vfio-fleet/,/^# END vfio-fleet/d' /etc/libvirt/qemu.conf");
    const daemon = (): Promise<string> => stack.read("systemctl show -p MainPID --value libvirtd");
    const guests = (): Promise<string> =>
      stack.read("cat /run/libvirt/qemu/alpha.pid /run/libvirt/qemu/pair.pid");
    const [before, running, served] = [await others(), await guests(), await daemon()];
    expect(before).toMatch(/^#[^]*^max_files = 4096$/m);
    setLibvirt({ relaxedAcsCheck: false });
    const { code, output } = await stack.up();
    expect(code, output).toBe(0);
    expect(await stack.read("cat /etc/libvirt/qemu.conf")).toMatch(/^relaxed_acs_check = 0$/m);
    expect(await others()).toBe(before);
    expect(await daemon()).not.toBe(served);
    expect(await guests()).toBe(running);
    expect(await stack.read("virsh -q list --name | sort | xargs")).toMatch(/^alpha pair/);
  });

  test("an existing volume is used as it is and kept; deleteData deletes volumes that the stack made", async () => {
    const stack = given();
    const image = "/var/lib/libvirt/images/kept.qcow2";
    await stack.read(
      `qemu-img create -q -f qcow2 ${image} 64M && qemu-io -c 'write -P 0x5a 1M 64k' ${image}`,
    );
    const volume = (more: object = {}): object =>
      labDomain({ disks: [{ type: "volume", name: "kept.qcow2", sizeGiB: 1 }], ...more });
    addDomains({ keeper: volume({ deleteData: true }) });
    const deleting = await stack.preview();
    expect(deleting.output).toMatch(/keeper\.deleteData: volume kept\.qcow2 of pool default was on the host/);
    expect(deleting.code).not.toBe(0);
    const own = labDomain({
      disks: [{ type: "volume", name: "own.qcow2", sizeGiB: 1 }],
      deleteData: true,
    });
    addDomains({ keeper: volume(), own });
    const { code, output } = await stack.up();
    expect(code, output).toBe(0);
    expect(await stack.read(`qemu-io -U -r -c 'read -P 0x5a 1M 64k' ${image}`)).not.toContain("failed");
    expect(await stack.read(`qemu-img info -U ${image}`)).toContain("1 GiB (1073741824 bytes)");
    const clean = await stack.preview("--expect-no-changes");
    expect(clean.code, clean.output).toBe(0);
    // As a first start would have made it.
    await stack.read(
      "touch /var/lib/libvirt/qemu/nvram/own_VARS.fd /var/lib/libvirt/qemu/nvram/keeper_VARS.fd",
    );
    addDomains({});
    const removed = await stack.up();
    expect(removed.code, removed.output).toBe(0);
    const left = await stack.read("ls /var/lib/libvirt/images /var/lib/libvirt/qemu/nvram");
    expect(left).toMatch(/^kept\.qcow2$[^]*^keeper_VARS\.fd$/m);
    expect(left).not.toContain("own");
    expect(await stack.read(`qemu-io -r -c 'read -P 0x5a 1M 64k' ${image}`)).not.toContain("failed");
  });

  test("a domain made by hand is refused without adopt; with adopt its UUID and disk stay, and destroy restores its definition", async () => {
    const stack = given();
    await stack.read(
      "qemu-img create -q -f qcow2 /var/lib/libvirt/images/hand.qcow2 64M && cat >/root/hand.xml <<'END'\n" +
        "<domain type='qemu'><name>hand</name><memory unit='MiB'>128</memory><description>by hand</description>" +
        "<os firmware='efi'><type arch='x86_64' machine='pc'>hvm</type></os><features><acpi/></features>" +
        "<devices><disk type='file' device='disk'><driver name='qemu' type='qcow2'/>" +
        "<source file='/var/lib/libvirt/images/hand.qcow2'/><target dev='vda' bus='virtio'/></disk></devices></domain>\nEND\n" +
        "virsh -q define /root/hand.xml",
    );
    const uuid = await stack.read("virsh -q domuuid hand");
    const adopted = (more: object): void => {
      const { disks: _, ...domain } = labDomain(more) as Record<string, unknown>;
      addDomains({ hand: domain });
    };
    addDomains({ fresh: labDomain({ disks: [{ type: "volume", name: "hand.qcow2", sizeGiB: 1 }] }) });
    expect((await stack.preview()).output).toMatch(
      /fresh\.disks: volume hand\.qcow2 of pool default is a disk of the domain hand already/,
    );
    adopted({});
    const refused = await stack.preview();
    expect(refused.output).toMatch(
      /domains\.hand: the host has a domain of this name that was made by hand[^]*adopt: true/,
    );
    expect(refused.code).not.toBe(0);
    adopted({ adopt: true });
    const { code, output } = await stack.up();
    expect(code, output).toBe(0);
    expect(await stack.read("virsh -q domuuid hand")).toBe(uuid);
    const xml = await stack.read("virsh dumpxml --inactive hand");
    expect(xml).toContain("/var/lib/libvirt/images/hand.qcow2");
    expect(xml).toContain("196608</memory>");
    expect(await stack.read("cat /var/backups/vfio-fleet/hand.xml")).toContain("by hand");
    addDomains({});
    const removed = await stack.up();
    expect(removed.code, removed.output).toBe(0);
    expect(await stack.read("virsh dumpxml --inactive hand")).toContain("<description>by hand</description>");
    expect(await stack.read("virsh -q domuuid hand")).toBe(uuid);
  });

  // Under two emulations this takes minutes, in parallel to the tests above.
  test("Linux in the guest sees both functions with their ids and BARs, and the given ROM", async () => {
    const stack = given();
    await guestSaid(stack.host, "report", "guest: done", 1, 900);
    const lines = (await serialOf(stack.host, "report")).split(/\r?\n/);
    const report = lines.flatMap((line) => /guest: (.*)$/.exec(line)?.[1] ?? []);
    const functions = report.flatMap((line) => {
      const [, address, ids] = /^function (\S+) (1234:1111|8086:293e) /.exec(line) ?? [];
      return address === undefined || ids === undefined ? [] : [[address, ids]];
    });
    // Both functions are on one slot, as on the card itself. The emulated VGA has the stand-in GPU's ids too, but no
    // audio.
    const [, slot = ""] = /^(.*)\.1$/.exec(functions.find(([, ids]) => ids === "8086:293e")?.[0] ?? "") ?? [];
    expect(functions.filter(([address]) => address?.startsWith(slot))).toEqual([
      [`${slot}.0`, "1234:1111"],
      [`${slot}.1`, "8086:293e"],
    ]);
    const bars = (fn: string): number[] =>
      report.flatMap((line) => {
        const [, size] = new RegExp(`^bar ${slot}\\.${fn} \\d 0x\\w+ (\\d+)$`).exec(line) ?? [];
        return size === undefined ? [] : [Number(size)];
      });
    expect(bars("0")).toEqual([16 * 1024 * KIB, 4 * KIB]);
    expect(bars("1")).toEqual([16 * KIB]);
    const digest = createHash("sha256").update(ROM).digest("hex");
    expect(report.find((line) => line.startsWith(`rom ${slot}.0 `))).toContain(digest);
  });

  test("a card with idle: host is back with the host's driver after its domain has ended", async () => {
    const stack = given();
    await stack.read(
      "n=0; until [ \"$(virsh -q domstate report)\" = 'shut off' ] || [ $n -ge 120 ]; do sleep 1; n=$((n + 1)); done",
    );
    expect(await stack.read("virsh -q domstate report")).toBe("shut off");
    expect(await driversOf(4)).toEqual(["bochs-drm", "snd_hda_intel"]);
    expect(await driversOf(1)).toEqual(["vfio-pci", "vfio-pci"]);
    expect(await stack.read("ls /run/vfio-fleet/cards")).not.toContain(functionsOf(4)[0]);
  });
};

/** Ends the guests, and undoes what {@link checkFourDomains} did by hand. */
export const takeAwayByHand = async (stack: LabStack): Promise<void> => {
  await stack.read(
    `for domain in $(virsh -q list --name); do virsh -q destroy "$domain"; done; virsh -q undefine --nvram hand; sed -i -z 's/${BY_HAND}//' /etc/libvirt/qemu.conf`,
  );
};
