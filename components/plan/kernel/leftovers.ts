import { parseCmdline } from "../../facts/cmdline.ts";
import type { Facts, PciDevice } from "../../facts/facts.ts";
import { parsePciAddress } from "../../facts/pci.ts";
import { physicalOf } from "../../facts/sriov.ts";
import { MODPROBE_FILES, moduleName, modprobeLines } from "./modprobe-files.ts";

/** Lists of modules with options that end in the initramfs, by the generator that reads them. */
const INITRAMFS_MODULES = { path: "/etc/initramfs-tools/modules", tool: "initramfs-tools" } as const;
const DRACUT = { folder: "/etc/dracut.conf.d/", tool: "dracut" } as const;
const INIT_TOP = { folder: "/etc/initramfs-tools/scripts/init-top/", tool: "initramfs-tools" } as const;
const DRIVERCTL = "/etc/driverctl.d/";

/** What a host is asked: everywhere that an earlier set-up may have told a driver which devices to take. */
export const LEFTOVER_FILES: readonly string[] = [
  ...MODPROBE_FILES,
  INITRAMFS_MODULES.path,
  `${DRACUT.folder}*.conf`,
  `${INIT_TOP.folder}*`,
  `${DRIVERCTL}*`,
];

/** A module's parameter that something else than this project sets. */
export interface ModuleSetting {
  readonly module: string;
  readonly name: string;
  readonly value: string;
  /** as it stands there */
  readonly text: string;
  /** the file, or what a person calls it */
  readonly where: string;
}

const settingOf = (module: string, word: string, where: string): ModuleSetting => {
  const [name = "", ...value] = word.replaceAll('"', "").split("=");
  return {
    module: moduleName(module),
    name: moduleName(name),
    // a flag without a value is switched on (Linux: kernel/params.c, param_set_bool)
    value: value.length === 0 ? "1" : value.join("="),
    text: word,
    where,
  };
};

/** `MODULE.PARAMETER=VALUE` among kernel arguments. */
export const argumentSettings = (words: readonly string[], where: string): ModuleSetting[] =>
  words.flatMap((word) => {
    const [, module, rest] = /^"?([\w-]+)\.([\w-]+(?:=.*)?)$/.exec(word) ?? [];
    return module === undefined || rest === undefined
      ? []
      : [{ ...settingOf(module, rest, where), text: word }];
  });

const reads = (tool: string, generator: string | undefined): boolean =>
  generator === undefined || generator === tool;

/**
 * What files set, in the order in which they count.
 * @param generator the initramfs generator in use; undefined counts the lists of each
 */
export const fileSettings = (facts: Facts, generator?: string): ModuleSetting[] => {
  const list = reads(INITRAMFS_MODULES.tool, generator)
    ? facts.files[INITRAMFS_MODULES.path]?.content
    : undefined;
  return [
    ...modprobeLines(facts)
      .filter(({ command }) => command === "options")
      .flatMap(({ path, module, words, text }) =>
        words.map((word) => ({ ...settingOf(module, word, path), text: words.length === 1 ? text : word })),
      ),
    ...(list ?? "").split("\n").flatMap((line) => {
      const [module = "", ...words] = line.replace(/#.*/, "").trim().split(/\s+/);
      return words.map((word) => settingOf(module, word, INITRAMFS_MODULES.path));
    }),
    // for a unified kernel image it is the kernel's command line (dracut.conf(5))
    ...(reads(DRACUT.tool, generator)
      ? Object.entries(facts.files)
          .filter(([path]) => path.startsWith(DRACUT.folder))
          .flatMap(([path, { content }]) =>
            [...content.matchAll(/^\s*kernel_cmdline\+?=(["']?)(.*)\1\s*$/gm)].flatMap(([, , words = ""]) =>
              argumentSettings(parseCmdline(words), path),
            ),
          )
      : []),
  ];
};

/** Devices that a driver is told to take, and what tells it. */
export interface Claim {
  readonly where: string;
  readonly text: string;
  readonly devices: readonly PciDevice[];
}

const ANY = 0xff_ff_ff_ff;

/** `vendor:device[:subvendor[:subdevice[:class[:mask]]]]`, each in hex (Linux: drivers/vfio/pci/vfio_pci.c, ids). */
const matches = (device: PciDevice, id: string): boolean => {
  const fields = id.split(":").map((field) => Number.parseInt(field, 16));
  const [vendor, product, subvendor = ANY, subproduct = ANY, pciClass = 0, mask = 0] = fields;
  const found = [...device.id.split(":"), ...device.subsystem.split(":")].map((hex) =>
    Number.parseInt(hex, 16),
  );
  const wanted = [vendor, product, subvendor, subproduct];
  return (
    fields.length >= 2 &&
    wanted.every((value, at) => value === ANY || value === found[at]) &&
    ((Number.parseInt(device.class, 16) ^ pciClass) & mask) === 0
  );
};

/** Drivers that take devices by ids= and leave them to guests. */
const ID_DRIVERS = ["vfio_pci", "pci_stub"] as const;

/** The ids that settings name, each with all devices that it stands for. */
export const idClaims = (
  facts: Facts,
  settings: readonly ModuleSetting[],
): (Claim & { readonly id: string })[] =>
  settings
    .filter(({ module, name }) => ID_DRIVERS.some((driver) => driver === module) && name === "ids")
    .flatMap(({ value, text, where }) =>
      value
        .split(",")
        .filter((id) => id !== "")
        .map((id) => ({ id, where, text, devices: facts.pci.filter((device) => matches(device, id)) })),
    );

/** Whether a claim takes two cards or more; a physical function and its virtual ones are one device. */
export const takesTwins = (facts: Facts, { devices }: Claim): boolean =>
  new Set(devices.map((device) => physicalOf(facts, device))).size > 1;

/** driverctl's overrides, and scripts of the initramfs that somebody wrote: both name devices by address. */
export const addressClaims = (facts: Facts, generator?: string): (Claim & { readonly driver: string })[] =>
  Object.entries(facts.files).flatMap(([path, { content }]) => {
    const at = (texts: readonly string[]): PciDevice[] => {
      const addresses = texts.map(parsePciAddress);
      return facts.pci.filter(({ address }) => addresses.includes(address));
    };
    if (path.startsWith(DRIVERCTL)) {
      const driver = content.trim();
      const name = path.slice(DRIVERCTL.length).replace(/^pci-/, "");
      return [{ where: path, text: `driverctl's override ${driver}`, driver, devices: at([name]) }];
    }
    if (
      path.startsWith(INIT_TOP.folder) &&
      reads(INIT_TOP.tool, generator) &&
      /driver_override/.test(content)
    ) {
      const named = content.match(/\b(?:[0-9a-f]{4}:)?[0-9a-f]{2}:[01][0-9a-f]\.[0-7]\b/gi) ?? [];
      return [
        { where: path, text: "a script that sets driver_override", driver: "vfio-pci", devices: at(named) },
      ];
    }
    return [];
  });
