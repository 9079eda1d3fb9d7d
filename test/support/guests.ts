import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sshOutput } from "../../lab/access/ssh.ts";
import { cpioArchive } from "./cpio.ts";

const FOLDER = "/var/lib/libvirt/images";
const serialFile = (domain: string): string => `/var/log/libvirt/qemu/${domain}-serial.log`;

/**
 * Two guests that domains boot by OVMF without a disk, because QEMU passes a kernel to the firmware (QEMU: -kernel).
 * - `button`: a GRUB program that waits for the power button and then shuts down, as an operating system does
 * - `report`: Linux with busybox only, which prints its PCI devices and shuts down
 */
export type Guest = "button" | "report";

const GRUB_MODULES = "normal iorw regexp halt echo test true serial terminal sleep";

/** The power button of i440fx under OVMF: PM1 status and enable at B000h and B002h, bit 8 (ACPI 4.8.3.1). */
const BUTTON = `serial --unit=0 --speed=115200
terminal_output serial
outw 0xb002 0x100
echo "guest: up"
while true; do
  inw -v status 0xb000
  if regexp '[13579bdf]..$' "$status"; then echo "guest: down"; halt; fi
  sleep 1
done
`;

const buttonProgram = (): Buffer => {
  const folder = mkdtempSync(join(tmpdir(), "vfio-fleet-guest-"));
  try {
    const file = (name: string): string => join(folder, name);
    writeFileSync(file("grub.cfg"), BUTTON);
    const bare = "--locales= --fonts= --themes=".split(" ");
    const output = ["-O", "x86_64-efi", "-o", file("button.efi"), `--install-modules=${GRUB_MODULES}`];
    execFileSync("grub-mkstandalone", [...output, ...bare, `boot/grub/grub.cfg=${file("grub.cfg")}`]);
    return readFileSync(file("button.efi"));
  } finally {
    rmSync(folder, { recursive: true });
  }
};

/** Linux's report of every PCI function: address, ids, class, BARs as start and size, digest of its ROM. */
const REPORT = `#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
for device in /sys/bus/pci/devices/*; do
  read -r vendor <$device/vendor; read -r id <$device/device; read -r class <$device/class
  echo "guest: function \${device##*/} \${vendor#0x}:\${id#0x} class \${class#0x}"
  bar=0
  while read -r from to flags; do
    [ $bar -ge 6 ] || [ "$from" = 0x0000000000000000 ] || echo "guest: bar \${device##*/} $bar $from $((to - from + 1))"
    bar=$((bar + 1))
  done <$device/resource
  [ -e $device/rom ] || continue
  echo 1 >$device/rom
  echo "guest: rom \${device##*/} $(/bin/busybox sha256sum <$device/rom)"
  echo 0 >$device/rom
done
echo "guest: done"
/bin/busybox poweroff -f
`;

/** This machine's busybox with the libraries that it needs. */
const busybox = (): Record<string, { mode: number; content: Buffer }> => {
  const program = execFileSync("sh", ["-c", "command -v busybox"], { encoding: "utf8" }).trim();
  const linked = execFileSync("sh", ["-c", `ldd ${program} || true`], { encoding: "utf8" });
  const libraries = [...linked.matchAll(/(\/\S+) \(0x/g)].flatMap(([, path]) => path ?? []);
  return Object.fromEntries(
    [["/bin/busybox", program], ...libraries.map((path) => [path, path])].map(([at = "", from = ""]) => [
      at.slice(1),
      { mode: 0o755, content: readFileSync(from) },
    ]),
  );
};

const reportInitramfs = (): Buffer =>
  cpioArchive({ ...busybox(), init: { mode: 0o755, content: Buffer.from(REPORT) } });

const send = (host: string, path: string, bytes: Buffer): Promise<string> =>
  sshOutput(host, `base64 -d >${path}`, { input: bytes.toString("base64") });

/** Puts the guests' boot files on a lab host: a GRUB program, and the host's own kernel with an initramfs. */
export const installGuests = async (host: string): Promise<void> => {
  await send(host, `${FOLDER}/button.efi`, buttonProgram());
  await send(host, `${FOLDER}/report.initrd`, reportInitramfs());
  await sshOutput(host, `cp /boot/vmlinuz-$(uname -r) ${FOLDER}/report.kernel`);
};

/** The patches that make a domain boot this guest and record its serial port. */
export const bootGuest = (domain: string, guest: Guest): readonly object[] => [
  ...(guest === "button"
    ? [{ path: "os", append: `<kernel>${FOLDER}/button.efi</kernel>` }]
    : [
        { path: "os", append: `<kernel>${FOLDER}/report.kernel</kernel>` },
        { path: "os", append: `<initrd>${FOLDER}/report.initrd</initrd>` },
        {
          path: "os",
          append: "<cmdline>console=ttyS0 quiet mitigations=off tsc=reliable no_timer_check</cmdline>",
        },
      ]),
  {
    path: "devices",
    append: `<serial type='file'><source path='${serialFile(domain)}' append='on'/><target port='0'/></serial>`,
  },
];

/** All output of a domain's guest, over all of its boots. */
export const serialOf = (host: string, domain: string): Promise<string> =>
  sshOutput(host, `cat ${serialFile(domain)} 2>/dev/null || true`);

/** Waits until the guest has printed a line this number of times, over all of its boots. */
export const guestSaid = (
  host: string,
  domain: string,
  line: string,
  times = 1,
  seconds = 600,
): Promise<string> =>
  sshOutput(
    host,
    `n=0; until [ "$(grep -ac '${line}' ${serialFile(domain)} 2>/dev/null || echo 0)" -ge ${times} ]; do
       n=$((n + 1)); [ $n -lt ${seconds} ] || { tail -c 2000 ${serialFile(domain)} >&2; exit 1; }; sleep 1
     done`,
    { timeoutMs: (seconds + 60) * 1000 },
  );
