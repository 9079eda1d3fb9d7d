import { find, type XmlElement } from "./xml-tree.ts";

/**
 * What libvirt does not add to a definition by itself, by place: found there without being wanted, somebody wrote it,
 * or it was wanted before. Everything else that libvirt shows beyond the wanted is its own: defaults, addresses,
 * the board's controllers. `children: "all"` but for those in `libvirts`.
 */
interface Rule {
  readonly attributes?: readonly string[];
  readonly children?: readonly string[] | "all";
  readonly libvirts?: readonly string[];
}

const device: Rule = { children: "all", libvirts: ["address"] };

const rules: Readonly<Record<string, Rule>> = {
  domain: {
    children: [
      "memoryBacking",
      "memtune",
      "blkiotune",
      "iothreads",
      "iothreadids",
      "cputune",
      "numatune",
      "sysinfo",
      "launchSecurity",
      "qemu:commandline",
      "qemu:override",
    ],
  },
  "domain/memoryBacking": { children: "all" },
  "domain/memoryBacking/hugepages": { children: "all" },
  "domain/vcpu": { attributes: ["cpuset", "current"] },
  "domain/cputune": { children: "all" },
  "domain/numatune": { children: "all" },
  "domain/os": {
    children: ["kernel", "initrd", "cmdline", "dtb", "bios", "bootmenu", "smbios", "acpi"],
  },
  "domain/os/loader": { attributes: ["secure"] },
  "domain/features": { children: "all" },
  "domain/features/hyperv": { children: "all" },
  "domain/features/hyperv/stimer": { children: "all" },
  "domain/features/kvm": { children: "all" },
  "domain/cpu": { attributes: ["migratable"], children: ["cache", "feature", "maxphysaddr", "numa"] },
  "domain/clock": { children: "all" },
  "domain/devices": { children: "all", libvirts: ["emulator", "controller", "audio"] },
  "domain/devices/disk": { children: "all", libvirts: ["backingStore"] },
  "domain/devices/disk/driver": {
    attributes: ["cache", "io", "discard", "iothread", "detect_zeroes", "error_policy", "rerror_policy"],
  },
  "domain/devices/disk/source": { attributes: ["file", "dev", "startupPolicy"] },
  "domain/devices/interface": { children: "all", libvirts: ["address", "target"] },
  "domain/devices/hostdev": device,
  "domain/devices/hostdev/source": { attributes: ["startupPolicy", "writeFiltering"] },
  "domain/devices/hostdev/rom": { attributes: ["bar", "file", "enabled"] },
  "domain/devices/filesystem": { children: "all", libvirts: ["address", "binary"] },
  "domain/devices/shmem": device,
  "domain/devices/graphics": { attributes: ["passwd", "keymap", "websocket", "socket"] },
  "domain/devices/tpm": device,
  "domain/devices/memballoon": {
    attributes: ["autodeflate", "freePageReporting"],
    children: ["stats", "driver"],
  },
  "domain/devices/controller": { children: ["driver"] },
  "domain/devices/input/source": { attributes: ["grab", "grabToggle", "repeat"] },
};

/** libvirt's notes on a running device, in dumpxml and in its status file. */
const NOTES: readonly string[] = ["alias", "privateData"];

/** Devices that come by themselves: PS/2 input, on q35 the chipset's watchdog, and a console for the first serial port. */
const boardDevice = (device: XmlElement): boolean =>
  (device.name === "input" && device.attributes["bus"] === "ps2") ||
  (device.name === "watchdog" && device.attributes["model"] === "itco") ||
  (device.name === "console" && find(device, "target")?.attributes["type"] === "serial");

/** Whether an element found at `path` (its parent's) is one that libvirt does not add by itself. */
export const isOwnedChild = (path: string, child: XmlElement): boolean => {
  const rule = rules[path];
  if (!rule?.children || boardDevice(child) || NOTES.includes(child.name)) return false;
  return rule.children === "all" ? !rule.libvirts?.includes(child.name) : rule.children.includes(child.name);
};

/** The same for an attribute of the element at `path`; a setting that is off is as good as absent. */
export const isOwnedAttribute = (path: string, name: string, value: string): boolean =>
  value !== "no" && rules[path]?.attributes?.includes(name) === true;
