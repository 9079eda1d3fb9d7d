import { expect, test } from "vitest";
import type { FirmwarePackage } from "../../../components/plan/domain/resolve/firmware-images.ts";
import {
  libvirtSchema,
  QEMU_CONF,
  qemuConfBlock,
  qemuConfStep,
} from "../../../components/plan/libvirt/qemu-conf.ts";
import { receiptName } from "../../../components/plan/step.ts";
import { xeonFacts } from "../../fixtures/xeon.ts";

const spec = libvirtSchema.parse({ user: "libvirt-qemu", group: "kvm" });
const host = (content: string, receipts = {}) =>
  xeonFacts({
    files: { [QEMU_CONF]: { content, mode: "600", owner: "root", group: "root", sha256: "now" } },
    receipts,
  });
const written = `# comment\n#user = "root"\n# BEGIN vfio-fleet\n${qemuConfBlock(spec, "ovmf")}\n# END vfio-fleet\n`;

test("libvirt's default device list is kept and extended", () => {
  const block = qemuConfBlock(libvirtSchema.parse({ deviceAcl: ["/dev/input/event3", "/dev/kvm"] }), "ovmf");
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

test("user, group and firmware pairs are in the block", () => {
  expect(qemuConfBlock(spec, "ovmf")).toMatch(
    /^user = "libvirt-qemu"\ngroup = "kvm"\nnvram = \[\n {2}"\/usr\/share\/OVMF\/OVMF_CODE_4M.fd:\/usr/,
  );
});

test("the firmware is the distribution's unless the stack names it", () => {
  const pairs = (firmware: FirmwarePackage, given = {}): string[] =>
    qemuConfBlock(libvirtSchema.parse(given), firmware).match(/(?<=").*:.*(?=")/g) ?? [];
  expect(pairs("pve-edk2-firmware-ovmf")[0]).toBe(
    "/usr/share/pve-edk2-firmware/OVMF_CODE_4M.fd:/usr/share/pve-edk2-firmware/OVMF_VARS_4M.fd",
  );
  expect(pairs("edk2-ovmf")).toContain(
    "/usr/share/edk2/x64/OVMF_CODE.4m.fd:/usr/share/edk2/x64/OVMF_VARS.4m.fd",
  );
  expect(pairs("ovmf", { nvram: [{ code: "/srv/code.fd", vars: "/srv/vars.fd" }] })).toEqual([
    "/srv/code.fd:/srv/vars.fd",
  ]);
  expect(qemuConfBlock(libvirtSchema.parse({ nvram: [] }), "ovmf")).not.toContain("nvram");
});

test("an equal block is settled, whatever else the file contains", () => {
  expect(qemuConfStep(spec, "ovmf", host(written), []).step.inPlace).toBe(true);
});

test("an edit between the markers is drift, a changed stack is not", () => {
  const receipts = (sha256: string) => ({ [receiptName(QEMU_CONF)]: { token: "t", notes: { sha256 } } });
  const edited = written.replace('"kvm"', '"wheel"');
  expect(qemuConfStep(spec, "ovmf", host(edited, receipts("before")), []).step.drift).toMatchObject({
    kind: "file",
  });
  const other = libvirtSchema.parse({ user: "root", group: "kvm" });
  expect(qemuConfStep(other, "ovmf", host(written, receipts("now")), []).step).not.toHaveProperty("drift");
});

test("a setting outside the block is refused, a commented one is not", () => {
  const problems = qemuConfStep(spec, "ovmf", host(`user = "root"\n#group = "root"\n`), []).problems;
  expect(problems).toEqual([
    expect.objectContaining({ problem: expect.stringMatching(/^user is set by hand/) }),
  ]);
});
