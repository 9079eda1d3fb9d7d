import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { execa, execaSync } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import { cacheDir } from "../../lab/paths.ts";
import { connectionTo, startSshd, type Sshd } from "../support/sshd.ts";

/**
 * Secrets stay in their places: a real Pulumi over a real SSH connection, with canaries in every place that holds a
 * secret. The made-up host only gives the facts for a plan and takes the first step.
 */
const NAME = "test-secrets";
const STACK_FILE = `stacks/Pulumi.${NAME}.yaml`;
const PULUMI = resolve("toolchain/pulumi");
const CANARIES: Record<string, string> = {
  "sudo password": "canary-of-the-sudo-password",
  "key's passphrase": "canary-of-the-passphrase",
  "VNC password": "canary-of-the-VNC-password",
};

let sshd: Sshd;
let folder: string;
const at = (name: string): string => join(folder, name);
const temporary = (): string => at("tmp");

const head = (files: Readonly<Record<string, string>>): string =>
  Object.entries(files)
    .map(([path, text]) => `==> ${path} <==\n${text}\n`)
    .join("\n");
const device = (address: string, id: string, pciClass: string): Record<string, string> =>
  Object.fromEntries(
    Object.entries({
      vendor: `0x${id.split(":")[0]}`,
      device: `0x${id.split(":")[1]}`,
      subsystem_vendor: "0x1043",
      subsystem_device: "0x85d8",
      class: `0x${pciClass}`,
    }).map(([name, value]) => [`/sys/bus/pci/devices/${address}/${name}`, value]),
  );

/** The probe's answer of a Debian host with one card and a domain whose screen has a password. */
const answer = (): string => {
  const domain = `<domain type='kvm'><name>old</name><devices><graphics type='vnc' passwd='${CANARIES["VNC password"]}'/></devices></domain>\n`;
  const files = {
    "/etc/libvirt/qemu/old.xml": domain,
    "/boot/grub/grub.cfg": "\tlinux /boot/vmlinuz-6.1.0-37-amd64 root=UUID=a52b ro quiet\n",
    "/usr/sbin/grub-mkconfig": "/default/grub.d/*\n",
  };
  const sections = {
    host: "privilege=sudo-password\nuser=op\nhostname=h\nbootId=b\nkernel=6.1.0-37-amd64\narchitecture=x86_64",
    "pci-paths":
      "0000:03:00.0 rom /sys/devices/pci0000:00/0000:00:02.0/0000:03:00.0\n0000:03:00.1 - /sys/devices/pci0000:00/0000:00:02.0/0000:03:00.1",
    "iommu-units": "dmar0",
    "iommu-groups":
      "/sys/kernel/iommu_groups/7/devices/0000:03:00.0\n/sys/kernel/iommu_groups/7/devices/0000:03:00.1",
    values: head({
      "/etc/os-release": 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian 12"',
      "/proc/cmdline": "BOOT_IMAGE=/boot/vmlinuz-6.1.0-37-amd64 root=UUID=a52b ro quiet",
      "/proc/cpuinfo": "vendor_id : GenuineIntel\nmodel name : Xeon\nflags : vmx pse",
      "/proc/meminfo": "MemTotal: 16384000 kB",
      ...device("0000:03:00.0", "10de:1c81", "030000"),
      ...device("0000:03:00.1", "10de:0fb9", "040300"),
    }),
    "vfio-modules": ["vfio", "vfio_iommu_type1", "vfio-pci"]
      .map((name) => `/lib/modules/6.1.0-37-amd64/kernel/drivers/vfio/${name}.ko`)
      .join("\n"),
    modinfo:
      "name:           kvm\nfilename:       /lib/modules/6.1.0-37-amd64/kernel/arch/x86/kvm/kvm.ko\nparm:           ignore_msrs:bool",
    boot: "efi",
    tools: "/usr/sbin/update-initramfs\n/usr/sbin/mkinitramfs",
    exists: "/sys/firmware/acpi/tables/DMAR\n/boot/grub/grub.cfg\n/usr/sbin/update-grub",
    libvirt: "defined /etc/libvirt/qemu/old.xml",
    "boot-filesystem": "ext4 /dev/sda2",
    files: Object.entries(files)
      .map(([path, content]) => `${content.length} 600 root root 17 ${path}`)
      .join("\n"),
    contents: Object.values(files).join(""),
    end: "",
  };
  return Object.entries(sections)
    .map(([name, text]) => `@NONCE ${name}\n${text}\n`)
    .join("");
};

/**
 * The program that runs for every command of a client. The probe gets its answer; sudo takes the password and runs
 * one command.
 */
const HOST = `#!/bin/sh
cd "$(dirname "$0")"
case $SSH_ORIGINAL_COMMAND in
  sh) cat >asked; nonce=$(sed -n "s/^.*N=\\([0-9a-f]\\{18\\}\\)$/\\1/p" asked | head -n 1); sed "s/@NONCE /@$nonce /" answer ;;
  "sudo -k -S -p '' sh -c "*) cat >taken; sleep 1 ;;
  *) cat >refused; echo "sudo: no" >&2; exit 1 ;;
esac
`;

const pulumi = async (...args: readonly string[]): Promise<string> => {
  const { all } = await execa(PULUMI, ["--non-interactive", "--color", "never", ...args, "--stack", NAME], {
    all: true,
    reject: false,
    env: { TMPDIR: temporary() },
  });
  return all;
};

/**
 * Arguments of all processes during `work`, which every user of the machine may read. Environments belong to one
 * user, and Pulumi passes its configuration to the program there.
 */
const watched = async <T>(work: Promise<T>): Promise<{ readonly result: T; readonly seen: string }> => {
  const seen = new Set<string>();
  const stop = new AbortController();
  const look = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name)))
        try {
          seen.add(readFileSync(`/proc/${pid}/cmdline`, "latin1"));
        } catch {
          // The process has ended.
        }
      await new Promise((done) => setImmediate(done));
    }
  };
  const looking = look();
  const result = await work.finally(() => stop.abort());
  await looking;
  return { result, seen: [...seen].join("\n") };
};

const filesBelow = (path: string): string[] =>
  readdirSync(path, { recursive: true, withFileTypes: true }).flatMap((entry) =>
    entry.isFile() ? [join(entry.parentPath, entry.name)] : [],
  );
/** Names of the secrets in a text. */
const found = (text: string): string[] =>
  Object.entries(CANARIES).flatMap(([name, canary]) => (text.includes(canary) ? [name] : []));

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "vfio-fleet-secrets-"));
  for (const name of ["tmp"]) execaSync("mkdir", ["-p", at(name)]);
  writeFileSync(at("answer"), answer());
  writeFileSync(at("host"), HOST, { mode: 0o755 });
  sshd = await startSshd([`ForceCommand ${at("host")}`]);
  const key = sshd.privateKeyFile;
  execaSync("ssh-keygen", ["-q", "-p", "-P", "", "-N", CANARIES["key's passphrase"] ?? "", "-f", key]);
  // A line from the middle of the key file, without line breaks.
  CANARIES["private key"] = readFileSync(key, "utf8").split("\n")[3] ?? "";
  if (CANARIES["private key"].length < 40) throw new Error("the key has another form than was thought");
  chmodSync(key, 0o600);
  const { encryptionsalt } = parse(readFileSync("stacks/Pulumi.lab-xeon.yaml", "utf8")) as {
    encryptionsalt: string;
  };
  const connection = { ...connectionTo(sshd), privateKeyFile: key };
  const cards = { gtx1050: { address: "0000:03:00.0", ids: ["10de:1c81", "10de:0fb9"] } };
  writeFileSync(
    STACK_FILE,
    JSON.stringify({ config: { "vfio-fleet:hosts": { h: { connection, cards } } }, encryptionsalt }),
  );
  await pulumi("stack", "rm", "--force", "--yes", "--preserve-config");
  await pulumi("stack", "init");
  for (const [path, value] of [
    ["sudoPassword", CANARIES["sudo password"]],
    ["privateKeyPassphrase", CANARIES["key's passphrase"]],
  ])
    await execa(
      PULUMI,
      ["config", "set", "--secret", "--path", `vfio-fleet:secrets.h.${path}`, "--stack", NAME],
      {
        input: value ?? "",
      },
    );
});

afterAll(async () => {
  await pulumi("stack", "rm", "--force", "--yes");
  await sshd.stop();
  rmSync(STACK_FILE, { force: true });
  rmSync(folder, { recursive: true });
});

test("an interrupted up leaves no secret in its output, in processes, in the state, in temporary files or in the project", async () => {
  const { result, seen } = await watched(pulumi("up", "--yes", "--diff"));
  // The secrets were used: the probe's shell and sudo got the password, and the second step failed with its message.
  expect(readFileSync(at("asked"), "utf8")).toContain(CANARIES["sudo password"]);
  expect(readFileSync(at("taken"), "utf8")).toContain(CANARIES["sudo password"]);
  expect(result).toContain("sudo: no");
  expect(found(result)).toEqual([]);
  // The commands were seen in the list of processes.
  expect(seen).toContain("pulumi");
  expect(found(seen)).toEqual([]);
  const state = join(cacheDir(), "state");
  const files = filesBelow(state).filter((file) => file.includes(NAME));
  const stored = files.map((file) => readFileSync(file, "latin1")).join("\n");
  expect(stored).toContain("h:host agent");
  expect(found(stored)).toEqual([]);
  expect(filesBelow(temporary()).flatMap((file) => found(readFileSync(file, "latin1")))).toEqual([]);
  expect(found(readFileSync(STACK_FILE, "utf8"))).toEqual([]);
});

test.each([
  ["inspect", "--all"],
  ["inspect", "--json", "--unmasked"],
  ["doctor"],
  ["watch", "--once"],
  ["report", "-o", "REPORT"],
  ["unlock"],
])("vfio-fleet %s %s", async (command, ...options) => {
  const args = options.map((option) => (option === "REPORT" ? at("report.html") : option));
  const run = execa(process.execPath, ["fleet/main.ts", command, NAME, ...args], {
    all: true,
    reject: false,
    env: { TMPDIR: temporary() },
  });
  const { result, seen } = await watched(run);
  expect(seen).toContain("fleet/main.ts");
  // Node's last line after an uncaught error.
  expect(result.all).not.toMatch(/^Node\.js v\d/m);
  expect(found(result.all)).toEqual([]);
  expect(found(seen)).toEqual([]);
  expect(filesBelow(temporary()).flatMap((file) => found(readFileSync(file, "latin1")))).toEqual([]);
});

test("the report shows the domain without its screen's password", () => {
  const page = readFileSync(at("report.html"), "utf8");
  expect(page).toContain("old");
  expect(found(page)).toEqual([]);
});

test("errors about a wrong passphrase or password do not contain the secret", async () => {
  const { mode } = statSync(sshd.privateKeyFile);
  expect(mode & 0o077).toBe(0);
  await execa(
    PULUMI,
    ["config", "set", "--secret", "--path", "vfio-fleet:secrets.h.privateKeyPassphrase", "--stack", NAME],
    {
      input: `${CANARIES["key's passphrase"]}-wrong`,
    },
  );
  const { result, seen } = await watched(pulumi("preview"));
  expect(result).toContain("the private key cannot be used");
  expect(found(result)).toEqual([]);
  expect(found(seen)).toEqual([]);
});
