import { expect, test } from "vitest";
import { arch } from "../../../components/drivers/distro/arch/driver.ts";
import { debian } from "../../../components/drivers/distro/debian/driver.ts";
import { proxmox } from "../../../components/drivers/distro/proxmox/driver.ts";
import type { DistroDriver } from "../../../components/plan/driver.ts";
import {
  libvirtSchema,
  QEMU_CONF,
  qemuConfBlock,
  qemuConfStep,
} from "../../../components/plan/libvirt/qemu-conf.ts";
import { receiptName } from "../../../components/plan/step.ts";
import { xeonFacts } from "../../fixtures/xeon.ts";

const OVMF = debian.firmware.images;
const spec = libvirtSchema.parse({ user: "libvirt-qemu", group: "kvm" });
const host = (content: string, receipts = {}) =>
  xeonFacts({
    files: { [QEMU_CONF]: { content, mode: "600", owner: "root", group: "root", sha256: "now" } },
    receipts,
  });
const written = `# comment\n#user = "root"\n# BEGIN vfio-fleet\n${qemuConfBlock(spec, OVMF)}\n# END vfio-fleet\n`;

test("libvirt's default device list is kept and added to", () => {
  const block = qemuConfBlock(libvirtSchema.parse({ deviceAcl: ["/dev/input/event3", "/dev/kvm"] }), OVMF);
  expect(block.match(/"\/dev\/[a-z/0-9]+"/g)).toEqual([
    '"/dev/null"',
    '"/dev/full"',
    '"/dev/zero"',
    '"/dev/random"',
    '"/dev/urandom"',
    '"/dev/ptmx"',
    '"/dev/kvm"',
    '"/dev/input/event3"',
  ]);
});

test("user, group and firmware pairs stand in the block", () => {
  expect(qemuConfBlock(spec, OVMF)).toMatch(
    /^user = "libvirt-qemu"\ngroup = "kvm"\nnvram = \[\n {2}"\/usr\/share\/OVMF\/OVMF_CODE_4M.fd:\/usr/,
  );
});

test("the firmware is the distribution's own unless the stack names it", () => {
  const pairs = ({ firmware }: DistroDriver, given = {}): string[] =>
    qemuConfBlock(libvirtSchema.parse(given), firmware.images).match(/(?<=").*:.*(?=")/g) ?? [];
  expect(pairs(proxmox)[0]).toBe(
    "/usr/share/pve-edk2-firmware/OVMF_CODE_4M.fd:/usr/share/pve-edk2-firmware/OVMF_VARS_4M.fd",
  );
  expect(pairs(arch)).toContain("/usr/share/edk2/x64/OVMF_CODE.4m.fd:/usr/share/edk2/x64/OVMF_VARS.4m.fd");
  expect(pairs(debian, { nvram: [{ code: "/srv/code.fd", vars: "/srv/vars.fd" }] })).toEqual([
    "/srv/code.fd:/srv/vars.fd",
  ]);
  expect(qemuConfBlock(libvirtSchema.parse({ nvram: [] }), OVMF)).not.toContain("nvram");
});

test("already so, whatever else the file holds", () => {
  expect(qemuConfStep(spec, OVMF, host(written), []).step.inPlace).toBe(true);
});

test("an edit between the markers is drift, a changed stack is not", () => {
  const receipts = (sha256: string) => ({ [receiptName(QEMU_CONF)]: { token: "t", notes: { sha256 } } });
  const edited = written.replace('"kvm"', '"wheel"');
  expect(qemuConfStep(spec, OVMF, host(edited, receipts("before")), []).step.drift).toMatchObject({
    kind: "file",
  });
  const other = libvirtSchema.parse({ user: "root", group: "kvm" });
  expect(qemuConfStep(other, OVMF, host(written, receipts("now")), []).step).not.toHaveProperty("drift");
});

test("a setting made by hand outside the block is refused, a commented one is not", () => {
  const problems = qemuConfStep(spec, OVMF, host(`user = "root"\n#group = "root"\n`), []).problems;
  expect(problems).toEqual([
    expect.objectContaining({ problem: expect.stringMatching(/^user is set by hand/) }),
  ]);
});
