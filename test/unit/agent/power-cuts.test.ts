import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { grub, grubPlain } from "../../../components/drivers/bootloader/grub/driver.ts";
import { proxmoxGrub, proxmoxSystemdBoot } from "../../../components/drivers/bootloader/proxmox/driver.ts";
import { systemdBoot } from "../../../components/drivers/bootloader/systemd-boot/driver.ts";
import type { BootloaderDriver, InitramfsDriver } from "../../../components/plan/driver.ts";
import { debian } from "../../../components/drivers/distro/debian/driver.ts";
import { dracut } from "../../../components/drivers/initramfs/dracut/driver.ts";
import { initramfsTools } from "../../../components/drivers/initramfs/initramfs-tools/driver.ts";
import { mkinitcpio } from "../../../components/drivers/initramfs/mkinitcpio/driver.ts";
import { FakeAgent, GRUB_EDITENV } from "../support/fake-agent.ts";

/**
 * A power cut at every write of a boot file, from the first one of `boot` to the last one of `leave`. What writes in place
 * leaves half a file first. Then the host boots what its boot loader would take, which has to be whole, and the same steps
 * finish.
 */
const VERSION = "6.12.48-amd64";
const WANTED = "argument iommu=pt\nmodule vfio_pci\n";
const TOKEN = "2026-01-02T03:04:05.000Z";
const ONESHOT = "/sys/firmware/efi/efivars/LoaderEntryOneShot-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f";
const ESPS = ["1FDB-C48E", "9BB0-3E21"] as const;

let host: FakeAgent;
afterEach(() => host.remove());

/** The power goes when as many writes as `left` says have been made, and nothing is written any more. */
const CUT =
  'left=$(cat "$ROOT/left"); [ "$left" -gt 0 ] || { kill -9 $PPID; exit 1; }; echo $((left - 1)) >"$ROOT/left"';

/** Files that a boot depends on: on a partition that the boot loader reads, or what a step goes by after a boot. */
const BOOTS =
  'case "$*" in *"$ROOT"/boot/* | *"$ROOT"/efi/* | *"$ROOT"/run/vfio-fleet/esp* | */boot/armed* | */boot/applied*) ;; *) exec';

interface Chosen {
  readonly initrds: readonly (string | undefined)[];
  readonly arguments: string;
}
/** A boot loader and what it does with its files. */
interface Loader {
  readonly driver: BootloaderDriver;
  /** lines in front of the verbs */
  readonly shell?: string;
  prepare(image: string): void;
  /** what boots now, from each disk that may be the one; a choice for one boot is used up */
  boot(): readonly Chosen[];
}

const menu = (image: string, folder: string): string =>
  `set default="0"\nmenuentry 'Linux' --id linux {\n\tlinux ${folder}/${image.includes("linux.img") ? "vmlinuz-linux" : `vmlinuz-${VERSION}`} root=UUID=a52b ro quiet\n\tinitrd ${folder}/${image}\n}\nsource custom.cfg\n# whole`;
/** Generates a menu as the host's arguments are now. */
const MENU = 'sed "s/ro quiet.*/ro quiet$(cat "$ROOT/arguments")/" "$ROOT/menu"';

/** The entry of a menu that GRUB boots: the one chosen for once, else the first. */
const grubBoots = (folder: string, initrdAt: (path: string) => string): Chosen => {
  const cfg = host.read(`${folder}/grub.cfg`) ?? "";
  const custom = host.read(`${folder}/custom.cfg`) ?? "";
  const env = host.read(`${folder}/grubenv`) ?? "";
  expect(cfg).toMatch(/# whole\n$/);
  const once = env.includes("next_entry=vfio-fleet-trial");
  if (once)
    host.file(`${folder}/grubenv`, env.replace("next_entry=vfio-fleet-trial", "next_entry="), {
      exact: true,
    });
  const entry = once && /--id vfio-fleet-trial {([^}]*)}/.exec(custom)?.[1];
  const text = entry || (/--id linux {([^}]*)}/.exec(cfg)?.[1] ?? "");
  const initrd = /^\s*initrd (\S+)/m.exec(text)?.[1] ?? "";
  return {
    initrds: [host.read(initrdAt(initrd))],
    arguments: /^\s*linux \S+ (.*)$/m.exec(text)?.[1] ?? "",
  };
};
const onGrub = (driver: BootloaderDriver, shell: string): Loader => ({
  driver,
  shell,
  prepare: (image) => {
    host.file("/menu", menu(image.replace("/boot/", ""), "/boot"));
    host.file("/boot/grub/grub.cfg", menu(image.replace("/boot/", ""), "/boot"));
    host.file("/boot/grub/grubenv", "# GRUB Environment Block");
    host.tool("grub-editenv", `[ "$2" = list ] || { ${CUT}; }\n${GRUB_EDITENV}`);
    const made = `${MENU} >"$ROOT/boot/grub/grub.cfg.new"; ${CUT}; /bin/mv "$ROOT/boot/grub/grub.cfg.new" "$ROOT/boot/grub/grub.cfg"`;
    host.tool("update-grub", made);
    host.tool("grub-mkconfig", `echo half >"$2"; ${CUT}; ${MENU} >"$2"`);
  },
  boot: () => [grubBoots("/boot/grub", (path) => path)],
});

/** The entry that systemd-boot takes from a partition, its choice for one boot used up. */
const entryBoots = (esp: string, entry: string, once: boolean): Chosen => {
  const trial = host.read(`${esp}/loader/entries/0-vfio-fleet-trial.conf`);
  const text = (once && trial) || (host.read(`${esp}/loader/entries/${entry}`) ?? "");
  const initrds = [...text.matchAll(/^initrd\s+(\S+)/gm)].map(([, path]) => host.read(`${esp}${path}`));
  return { initrds, arguments: /^options\s+(.*)$/m.exec(text)?.[1] ?? "" };
};
const takeOneshot = (): boolean => {
  const set = (host.read(ONESHOT) ?? "").includes("vfio-fleet-trial");
  if (host.read(ONESHOT) !== undefined) host.rename(ONESHOT, "/used");
  return set;
};
const BOOTCTL = `case $1 in
  --print-boot-path) echo "$ROOT/efi" ;;
  set-oneshot) ${CUT}; if [ -n "$2" ]; then printf '\\007\\000\\000\\000%s' "$2" >"$ROOT${ONESHOT}"; else rm "$ROOT${ONESHOT}"; fi ;;
  --no-pager) printf 'title: Linux (default)\\nversion: ${VERSION}\\n' ;;
esac`;
const MACHINE = "4f5c1e0d8f1c4d2f8d5b3a4c5e6f7081";
const onSystemdBoot = (): Loader => ({
  driver: systemdBoot,
  prepare: (image) => {
    const folder = `/${MACHINE}/${VERSION}`;
    const entry = `title Linux\nversion ${VERSION}\noptions root=UUID=a52b ro quiet\nlinux ${folder}/linux\ninitrd ${folder}/${image.replace("/boot/", "")}`;
    host.file(`/efi/loader/entries/${MACHINE}-${VERSION}.conf`, entry);
    host.file(`/efi${folder}/linux`, "kernel");
    host.file(`/efi${folder}/${image.replace("/boot/", "")}`, "old image");
    host.folder("/sys/firmware/efi/efivars");
    host.tool("bootctl", BOOTCTL);
    host.tool(
      "kernel-install",
      `folder=$BOOT_ROOT${folder}; entry=$BOOT_ROOT/loader/entries/${MACHINE}-${VERSION}.conf
${CUT}; cp "$3" "$folder/linux"; cp "$4" "$folder/"; initrd=\${4##*/}
echo half >"$entry"; ${CUT}
printf 'title Linux\\nversion ${VERSION}\\noptions root=UUID=a52b ro quiet%s\\nlinux ${folder}/linux\\ninitrd ${folder}/%s\\n' "$(cat "$ROOT/arguments")" "$initrd" >"$entry"`,
    );
  },
  boot: () => [entryBoots("/efi", `${MACHINE}-${VERSION}.conf`, takeOneshot())],
});

const disk = (esp: string): string => `/dev/disk/by-uuid/${esp}`;
const onProxmox = (driver: BootloaderDriver): Loader => {
  const viaGrub = driver === proxmoxGrub;
  const folder = viaGrub ? "" : `/EFI/proxmox/${VERSION}`;
  const entry = `proxmox-${VERSION}.conf`;
  return {
    driver,
    prepare: (image) => {
      const initrd = `${folder}/${image.replace("/boot/", "")}`;
      host.file("/etc/kernel/proxmox-boot-uuids", ESPS.join("\n"));
      host.file("/menu", menu(image.replace("/boot/", ""), ""));
      host.folder("/sys/firmware/efi/efivars");
      for (const esp of ESPS) {
        host.file(`${disk(esp)}${initrd}`, "old image");
        if (viaGrub) {
          host.file(`${disk(esp)}/grub/grub.cfg`, menu(image.replace("/boot/", ""), ""));
          host.file(`${disk(esp)}/grub/grubenv`, "# GRUB Environment Block");
        } else
          host.file(
            `${disk(esp)}/loader/entries/${entry}`,
            `title Linux\nversion ${VERSION}\noptions root=UUID=a52b ro quiet\nlinux ${folder}/linux\ninitrd ${initrd}`,
          );
      }
      host.tool("mount", 'rmdir "$4" && ln -s "$3" "$4"');
      host.tool("umount", '/bin/rm "$1" && mkdir "$1"');
      host.tool("grub-editenv", `[ "$2" = list ] || { ${CUT}; }\n${GRUB_EDITENV}`);
      host.tool("bootctl", BOOTCTL);
      // the tool copies kernels and images in place, and leaves those that are the same; menus and entries at last
      const configure = viaGrub
        ? `${MENU} >"$esp/grub/grub.cfg.new"; ${CUT}; /bin/mv "$esp/grub/grub.cfg.new" "$esp/grub/grub.cfg"`
        : `${CUT}; sed -i "s/ro quiet.*/ro quiet$(cat "$ROOT/arguments")/" "$esp/loader/entries/${entry}"`;
      host.tool(
        "proxmox-boot-tool",
        `for uuid in ${ESPS.join(" ")}; do esp=$ROOT/dev/disk/by-uuid/$uuid
  cmp -s "$ROOT${image}" "$esp${initrd}" || { echo half >"$esp${initrd}"; ${CUT}; cp "$ROOT${image}" "$esp${initrd}"; }
  ${configure}
done`,
      );
    },
    boot: () => {
      const once = takeOneshot();
      return ESPS.map((esp) =>
        viaGrub
          ? grubBoots(`${disk(esp)}/grub`, (path) => `${disk(esp)}${path}`)
          : entryBoots(disk(esp), entry, once),
      );
    },
  };
};

const LOADERS: Readonly<Record<string, () => Loader>> = {
  "GRUB with update-grub": () => onGrub(grub, ""),
  "GRUB with grub-mkconfig": () =>
    onGrub(grubPlain, "command() { case $2 in update-grub | qm | pct) return 1 ;; esac; }\n"),
  "systemd-boot": onSystemdBoot,
  "Proxmox with systemd-boot": () => onProxmox(proxmoxSystemdBoot),
  "Proxmox with GRUB": () => onProxmox(proxmoxGrub),
};
const GENERATORS = { "initramfs-tools": initramfsTools, dracut, mkinitcpio } as const;

const start = (loader: Loader, initramfs: InitramfsDriver): string => {
  host = new FakeAgent({ bootloader: loader.driver, initramfs, distro: debian }, "dash");
  const image = initramfs === mkinitcpio ? "/boot/initramfs-linux.img" : `/boot/initrd.img-${VERSION}`;
  host.tool("uname", `echo ${VERSION}`);
  host.file(`/usr/lib/modules/${VERSION}/pkgbase`, "linux");
  host.folder(`/lib/modules/${VERSION}`);
  host.file(`/boot/vmlinuz-${initramfs === mkinitcpio ? "linux" : VERSION}`, "kernel");
  host.file(image, "old image");
  host.file("/arguments", "", { exact: true });
  const build = (at: number): string => `echo half >"$${at}"; ${CUT}; cp "$ROOT/image" "$${at}"`;
  host.tool("mkinitramfs", build(2));
  host.tool("dracut", build(3));
  host.tool("mkinitcpio", build(4));
  const module = "mkdir -p m; : >m/vfio-pci.ko";
  host.tool("unmkinitramfs", `mkdir -p "$2/main"; cd "$2/main"; ! grep -q new "$1" || { ${module}; }`);
  for (const tool of ["lsinitrd", "lsinitcpio"]) host.tool(tool, `! grep -q new "$2" || { ${module}; }`);
  for (const name of ["systemctl", "virsh", "systemd-run", "sleep"])
    host.tool(name, name === "systemctl" ? "[ $1 != -q ]" : ":");
  for (const name of ["mv", "rm"])
    host.tool(name, `${BOOTS} /bin/${name} "$@" ;; esac; ${CUT}; exec /bin/${name} "$@"`);
  // a copy stands there half at first
  host.tool(
    "cp",
    `${BOOTS} /bin/cp "$@" ;; esac; for to in "$@"; do :; done; [ -d "$to" ] || echo half >"$to"; ${CUT}; exec /bin/cp "$@"`,
  );
  loader.prepare(image);
  return image;
};

const verb = (loader: Loader, words: string) =>
  host.call(
    `${loader.shell ?? ""}TOKEN=${TOKEN} RECEIPT=$STATE/receipts/${words.split(" ")[0]}; verb_${words}`,
    WANTED,
  );
const powered = (writes: number): void => host.file("/left", String(writes));

let boots = 0;
/** Takes what the boot loader takes, which has to be whole, and comes up with it. */
const rebooted = (loader: Loader): readonly Chosen[] => {
  // what was mounted, and what lay in /run, is gone
  for (const entry of host.list("/run/vfio-fleet"))
    host.rename(`/run/vfio-fleet/${entry}`, `/gone-${++boots}`);
  const disks = loader.boot();
  for (const chosen of disks) {
    expect(chosen.initrds.length).toBeGreaterThan(0);
    for (const initrd of chosen.initrds) expect(["old image\n", "new image\n"]).toContain(initrd);
    expect(chosen.arguments).toContain("root=UUID=a52b ro quiet");
  }
  host.file("/proc/sys/kernel/random/boot_id", `boot-${++boots}`);
  host.file("/proc/cmdline", `BOOT_IMAGE=x ${disks[0]?.arguments}`);
  return disks;
};

/** What `up` does until it has nothing left to do. */
const finish = (loader: Loader): void => {
  for (let tries = 0; tries < 3; tries++) {
    expect(verb(loader, "boot")).toMatchObject({ status: 0, errors: "" });
    if (host.read("/var/lib/vfio-fleet/boot/armed") !== undefined) rebooted(loader);
    if (verb(loader, "prove auto").status === 0) return;
  }
  throw new Error("up does not come through");
};
const apply = (): void => {
  host.file("/arguments", " iommu=pt", { exact: true });
  host.file("/image", "new image");
};

/**
 * Calls a verb from the host's present state with one write more each time, until it ends by itself. After each cut the host
 * boots; now and then, and from the last cut, the whole is finished.
 * @returns how often it was cut
 */
const cutAtEveryWrite = (
  loader: Loader,
  words: string,
  booted: (chosen: Chosen) => void,
  finished: () => void,
): number => {
  const saved = mkdtempSync(join(tmpdir(), "vfio-fleet-cuts-"));
  const copy = { recursive: true, verbatimSymlinks: true } as const;
  cpSync(host.root, saved, copy);
  try {
    for (let writes = 0; writes < 60; writes++) {
      powered(writes);
      const { status } = verb(loader, words);
      powered(1000);
      if (status !== 0) rebooted(loader).forEach(booted);
      if (status === 0 || writes === 4) {
        finish(loader);
        finished();
      }
      if (status === 0) return writes;
      rmSync(host.root, { recursive: true });
      cpSync(saved, host.root, copy);
    }
  } finally {
    rmSync(saved, { recursive: true });
  }
  throw new Error(`${words} never ends`);
};

const CASES = [
  ...Object.keys(LOADERS).map((loader) => [loader, "initramfs-tools"] as const),
  ...(["dracut", "mkinitcpio"] as const).map((name) => ["GRUB with update-grub", name] as const),
];

describe.each(CASES)("a power cut at every write: %s, %s", (name, generator) => {
  const make = (): readonly [Loader, () => void] => {
    const loader = LOADERS[name]?.();
    if (!loader) throw new Error(`no ${name}`);
    const image = start(loader, GENERATORS[generator]);
    powered(1000);
    apply();
    const isDone = (): void => {
      expect(host.read(image)).toBe("new image\n");
      for (const chosen of rebooted(loader)) {
        expect(chosen.arguments).toMatch(/ quiet iommu=pt$/);
        expect(new Set(chosen.initrds)).toEqual(new Set(["new image\n"]));
      }
      expect(host.list("/boot").filter((file) => /trial|part|new$/.test(file))).toEqual([]);
    };
    return [loader, isDone];
  };

  test("while the trial is prepared: the old configuration boots, or the trial", { timeout: 120_000 }, () => {
    const [loader, isDone] = make();
    const cuts = cutAtEveryWrite(
      loader,
      "boot",
      ({ arguments: line, initrds }) => {
        const image = line.includes("vfio_fleet.trial=") ? "new image\n" : "old image\n";
        expect(new Set(initrds)).toEqual(new Set([image]));
      },
      isDone,
    );
    expect(cuts).toBeGreaterThan(3);
  });

  test("while what was proved becomes the default: either boots", { timeout: 120_000 }, () => {
    const [loader, isDone] = make();
    expect(verb(loader, "boot")).toMatchObject({ status: 0, errors: "" });
    rebooted(loader);
    const cuts = cutAtEveryWrite(loader, "prove auto", () => {}, isDone);
    expect(cuts).toBeGreaterThan(3);
  });
});
