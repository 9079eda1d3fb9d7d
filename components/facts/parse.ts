import { createHash } from "node:crypto";
import { factsSchema, type Facts, type HostFile, type PciDevice } from "../core/facts.ts";
import { parsePciAddress, parsePciId } from "../core/pci.ts";
import { shortened } from "../core/printable.ts";
import { parseLease } from "./parse-lease.ts";
import { parseSurvey } from "./parse-survey.ts";
import {
  addressesIn,
  headed,
  hex,
  integer,
  ownRecord,
  pairs,
  ProbeAnswerError,
  sectionsIn,
  split,
} from "./sections.ts";

export { ProbeAnswerError } from "./sections.ts";

const barsOf = (lines: readonly string[]): NonNullable<PciDevice["bars"]> =>
  // after the six BARs come the ROM and a bridge's windows
  lines.slice(0, 6).flatMap((line, index) => {
    const [start = 0n, end = 0n, flags = 0n] = line
      .split(" ")
      .map((field) => (/^0x[0-9a-f]+$/i.test(field) ? BigInt(field) : 0n));
    // IORESOURCE_MEM 0x200, IORESOURCE_PREFETCH 0x2000 (Linux: include/linux/ioport.h)
    if (end <= start || (flags & 0x200n) === 0n) return [];
    return [{ index, bytes: Number(end - start + 1n), prefetchable: (flags & 0x2000n) !== 0n }];
  });

/** Small files by their paths, line by line. */
type Values = ReadonlyMap<string, readonly string[]>;

/** Where the virtual functions of a function appear once they are made, and as what (Linux: Documentation/ABI/testing/sysfs-bus-pci). */
const sriovOf = (found: Readonly<Record<string, string>>, total: number): NonNullable<PciDevice["sriov"]> => {
  const [offset, stride] = [integer(found["sriov_offset"]), integer(found["sriov_stride"])];
  const device = found["sriov_vf_device"];
  return {
    total,
    active: integer(found["sriov_numvfs"]) ?? 0,
    ...(offset !== undefined && stride !== undefined && { offset, stride }),
    ...(device !== undefined && { device: hex(device) }),
  };
};

/** modinfo's `filename:` and `name:` open a module, whichever comes first; `parm:` is `name:description (type)`. */
const moduleInfo = (lines: readonly string[]): Facts["moduleInfo"] => {
  const found: { name?: string; file?: string; builtin?: boolean; parameters: Record<string, string> }[] = [];
  for (const line of lines) {
    const [, key, value = ""] = /^(name|filename|parm):\s*(.*)$/.exec(line) ?? [];
    let current = found.at(-1);
    if (
      !current ||
      (key === "name" && current.name !== undefined) ||
      (key === "filename" && current.builtin !== undefined)
    )
      found.push((current = { parameters: ownRecord() }));
    if (key === "name") current.name = value.replaceAll("-", "_");
    if (key === "filename") {
      current.builtin = value === "(builtin)";
      const name = /([^/]+?)\.ko(\.\w+)?$/.exec(value)?.[1];
      if (name !== undefined) current.file = name.replaceAll("-", "_");
    }
    const parameter = key === "parm" ? /^(\w+):/.exec(value)?.[1] : undefined;
    const type = /\(([^()]*)\)$|^\w+:([a-z ]+)$/.exec(value);
    if (parameter !== undefined) current.parameters[parameter] = type?.[1] ?? type?.[2] ?? "";
  }
  return Object.fromEntries(
    // older kernels' modules have no name: line
    found.flatMap(({ file, name = file, builtin = false, parameters }) =>
      name === undefined ? [] : [[name, { builtin, parameters }]],
    ),
  );
};

const pciDevices = (section: (name: string) => readonly string[], values: Values): PciDevice[] => {
  const attributes = new Map<string, Record<string, string>>();
  for (const [path, [value]] of values) {
    if (!path.includes("/bus/pci/devices/")) continue;
    const [address = "", name = ""] = path.split("/").slice(-2);
    const known = attributes.get(address) ?? {};
    attributes.set(address, known);
    if (value !== undefined) known[name] = value.trim();
  }
  const drivers = new Map(
    section("pci-drivers").map((path) => {
      const [driver = "", address = ""] = path.split("/").slice(-2);
      return [address, driver];
    }),
  );
  const groups = new Map(
    section("iommu-groups").map((path) => {
      const [group, , address = ""] = path.split("/").slice(-3);
      return [address, integer(group)];
    }),
  );
  // a device without any way to be reset has no such file (Linux 5.15); older kernels have it for none
  const knowsResets = [...attributes.values()].some((found) => found["reset_method"] !== undefined);
  return section("pci-paths").flatMap((line): PciDevice[] => {
    const [name = "", rom, path = ""] = line.split(" ");
    const found = attributes.get(name);
    const address = parsePciAddress(name);
    const id = parsePciId(`${hex(found?.["vendor"])}:${hex(found?.["device"])}`);
    const subsystem = parsePciId(`${hex(found?.["subsystem_vendor"])}:${hex(found?.["subsystem_device"])}`);
    if (!found || !address || !id || !subsystem) return [];
    const resource = values.get(`/sys/bus/pci/devices/${name}/resource`);
    const total = integer(found["sriov_totalvfs"]);
    return [
      {
        address,
        id,
        subsystem,
        class: hex(found["class"]).padStart(6, "0"),
        driver: drivers.get(name) ?? null,
        iommuGroup: groups.get(name) ?? null,
        bootVga: found["boot_vga"] === undefined ? null : found["boot_vga"] === "1",
        numaNode: integer(found["numa_node"]) ?? -1,
        hasRom: rom === "rom",
        parents: addressesIn(path).filter((parent) => parent !== address),
        ...(found["revision"] !== undefined && { revision: hex(found["revision"]) }),
        ...(knowsResets && {
          resetMethods: (found["reset_method"] ?? "").split(" ").filter((method) => method !== ""),
        }),
        ...(found["power_state"] !== undefined && { powerState: found["power_state"] }),
        ...(total !== undefined && { sriov: sriovOf(found, total) }),
        ...(resource && { bars: barsOf(resource) }),
      },
    ];
  });
};

const cpu = (values: Values): Facts["cpu"] => {
  const described = values.get("/proc/cpuinfo") ?? [];
  const field = (name: string): string =>
    described
      .find((line) => line.startsWith(name))
      ?.replace(/^[^:]*:\s*/, "")
      .trim() ?? "";
  const vendor = field("vendor_id");
  const flags = field("flags").split(" ");
  const packages = new Map<string, string>();
  const cores = new Set<string>();
  for (const [path, [value = "0"]] of values)
    if (path.endsWith("/physical_package_id")) packages.set(path.split("/").at(-3) ?? "", value);
  for (const [path, [value = "0"]] of values)
    if (path.endsWith("/core_id")) cores.add(`${packages.get(path.split("/").at(-3) ?? "")}/${value}`);
  const sockets = Math.max(1, new Set(packages.values()).size);
  const cpus = Math.max(1, packages.size);
  return {
    vendor: vendor === "GenuineIntel" ? "intel" : vendor === "AuthenticAMD" ? "amd" : "other",
    model: field("model name"),
    virtualization: flags.includes("vmx") || flags.includes("svm"),
    hugePages: [
      ...(flags.includes("pse") ? (["2M"] as const) : []),
      ...(flags.includes("pdpe1gb") ? (["1G"] as const) : []),
    ],
    sockets,
    cores: Math.max(1, Math.round(cores.size / sockets)),
    threads: Math.max(1, Math.round(cpus / Math.max(1, cores.size))),
  };
};

/** What stat said of a file. */
interface Announced {
  readonly size: number;
  readonly mode: string;
  readonly owner: string;
  readonly group: string;
  readonly modified: string;
  readonly path: string;
}

const announced = (lines: readonly string[]): Announced[] =>
  lines.flatMap((line) => {
    const match = /^(\d+) (\d+) (\S+) (\S+) (\d+) (.*)$/.exec(line);
    if (!match) return [];
    const [, size, mode = "", owner = "", group = "", modified = "", path = ""] = match;
    return [{ size: Number(size), mode, owner, group, modified, path }];
  });

/** ext4 keeps so many blocks, at most a fiftieth of all, from everybody's data (Linux: ext4_calculate_resv_clusters). */
const EXT4_KEEPS = 4096;

/** What `stat -f` says of /boot, then the sizes of trial images there. */
const bootRoom = (
  [room = "", ...trials]: readonly string[],
  filesystem: string,
): Pick<Facts["boot"], "freeBytes"> => {
  const [, free, all, size] = /^(\d+) (\d+) (\d+)$/.exec(room) ?? [];
  if (free === undefined) return {};
  const kept = filesystem.startsWith("ext") ? Math.min(EXT4_KEEPS, Math.floor(Number(all) / 50)) : 0;
  const left = trials.filter((text) => /^\d+$/.test(text)).reduce((sum, text) => sum + Number(text), 0);
  const freeBytes = Math.max(0, Number(free) - kept) * Number(size) + left;
  return Number.isSafeInteger(freeBytes) ? { freeBytes } : {};
};

/** Boot images are announced only. */
const isBootImage = ({ path }: Announced): boolean => /^\/boot\/init(rd|ramfs)[^/]*$/.test(path);

/** An answer's text, and the bytes of files that lie in the middle of it: as many as were announced before them. */
const cutContents = (
  answer: Buffer,
  nonce: string,
): { readonly text: string; readonly files: readonly Announced[]; readonly contents: Buffer } => {
  const marker = `\n@${nonce} contents\n`;
  const at = answer.indexOf(marker);
  const from = at + marker.length;
  if (at === -1 || !answer.includes(`\n@${nonce} end`, from))
    return { text: answer.toString("utf8"), files: [], contents: Buffer.alloc(0) };
  const head = answer.toString("utf8", 0, from);
  const files = announced(sectionsIn(head, nonce).get("files") ?? []);
  const total = files.reduce((sum, file) => sum + (isBootImage(file) ? 0 : file.size), 0);
  if (answer.indexOf(`\n@${nonce} `, from + total) !== from + total)
    throw new ProbeAnswerError(
      `files changed while they were read: something else than the announced ${total} bytes came; run it again`,
    );
  return {
    text: head + answer.toString("utf8", from + total),
    files,
    contents: answer.subarray(from, from + total),
  };
};

/** Files with their contents, and `path:bytes:mtime` of the boot images. */
const files = (
  found: readonly Announced[],
  contents: Buffer,
): { readonly read: Map<string, HostFile>; readonly images: string[] } => {
  let offset = 0;
  const read = new Map(
    found
      .filter((file) => !isBootImage(file))
      .map(({ size, mode, owner, group, path }) => {
        const bytes = contents.subarray(offset, (offset += size));
        const sha256 = createHash("sha256").update(bytes).digest("hex");
        // of an option ROM the digest is all that is compared; its bytes belong in no saved or shown facts
        const content = bytes.includes(0) ? `(${bytes.length} bytes, no text)` : bytes.toString("utf8");
        return [path, { mode, owner, group, content, sha256 }];
      }),
  );
  const images = found.filter(isBootImage).map(({ path, size, modified }) => `${path}:${size}:${modified}`);
  return { read, images: [...new Set(images)].sort() };
};

/** Files that are looked into here, for a line or two: no facts of their own. */
const SEARCHED =
  /^\/run\/libvirt\/|^\/lib\/modules\/[^/]+\/modules\.builtin$|^\/boot\/grub\/grub\.cfg$|\/grub-mkconfig$/;

const domains = (section: (name: string) => readonly string[], read: ReadonlyMap<string, HostFile>) => {
  const found = new Map<string, { running: boolean; autostart: boolean; xml?: string; liveXml?: string }>();
  for (const line of section("libvirt")) {
    const match = /^(defined|autostart|running) (.*\/([^/]+)\.xml)$/.exec(line);
    if (!match) continue;
    const [, kind, path = "", name = ""] = match;
    const domain = found.get(name) ?? { running: false, autostart: false };
    found.set(name, domain);
    const xml = read.get(path)?.content;
    if (kind === "defined" && xml !== undefined) domain.xml = xml;
    if (kind === "autostart") domain.autostart = true;
    if (kind === "running") {
      domain.running = true;
      if (xml !== undefined) domain.liveXml = xml;
    }
  }
  return [...found].map(([name, domain]) => Object.assign({ name }, domain));
};

const receipts = (values: Values): Facts["receipts"] =>
  Object.fromEntries(
    [...values].flatMap(([path, lines]) => {
      const key = /^\/var\/lib\/vfio-fleet\/receipts\/([^/]+)$/.exec(path)?.[1];
      if (key === undefined) return [];
      const { token = "", ...notes } = pairs(lines);
      return [[key, { token, notes }]];
    }),
  );

/** `kind bytes path`, with - for what is not known; `size:mtime:inode path` of the regular files among them. */
const looked = (lines: readonly string[], stamps: readonly string[]): NonNullable<Facts["looked"]> => {
  const stampOf = new Map(
    stamps.flatMap((line) => {
      const [, stamp = "", path] = /^(\d+:\d+:\d+) (\/.*)$/.exec(line) ?? [];
      return path === undefined ? [] : [[path, stamp]];
    }),
  );
  return Object.fromEntries(
    lines.flatMap((line) => {
      const [, kind, told = "", path] = /^(\S+) (\S+) (\/.*)$/.exec(line) ?? [];
      if (path === undefined) return [];
      const stamp = stampOf.get(path);
      // an image that says its size itself has said it; of others it is the file's
      const bytes = integer(told) ?? integer(stamp);
      return [
        [
          path,
          { kind, ...(bytes !== undefined && { bytes }), ...(stamp !== undefined && { stamp }) } as never,
        ],
      ];
    }),
  );
};

const unquote = (text: string): string => text.replace(/^(["'])(.*)\1$/, "$2");

/**
 * Turns the probe's answer into facts.
 * @param nonce the one the probe was started with
 * @throws {ProbeAnswerError} when the answer is no whole probe answer or does not fit the facts' schema
 */
export const parseProbe = (answer: Uint8Array, nonce: string): Facts => {
  const { text, files: listed, contents } = cutContents(Buffer.from(answer), nonce);
  const sections = split(text, nonce);
  const section = (name: string): readonly string[] => sections.get(name) ?? [];
  const host = pairs(section("host"));
  const values: Values = headed(section("values"));
  const os = pairs(values.get("/etc/os-release") ?? values.get("/usr/lib/os-release") ?? []);
  const { read, images } = files(listed, contents);
  const moduleParameters = ownRecord<Record<string, string>>();
  for (const [path, [value]] of values) {
    const [module = "", kind, name = ""] = path.split("/").slice(-3);
    if (kind === "parameters" && value !== undefined)
      (moduleParameters[module] ??= ownRecord())[name] = value;
  }
  const vfioModules = ownRecord<string[]>();
  for (const path of section("vfio-modules")) {
    const match = /^\/lib\/modules\/([^/]+)\/.*\/([^/]+?)\.ko(\.\w+)?$/.exec(path);
    if (match?.[1] && match[2]) (vfioModules[match[1]] ??= []).push(match[2].replaceAll("-", "_"));
  }
  const linesOf = (path: RegExp): string[] =>
    [...read].flatMap(([name, { content }]) => (path.test(name) ? content.split("\n") : []));
  const menu = linesOf(/^\/boot\/grub\/grub\.cfg$/)
    .map((line) => line.trim())
    .filter((line) => /^(linux|menuentry|submenu)\s/.test(line));
  const loaderInfo = Buffer.from(section("loader-info").join(""), "base64");
  const [bootFilesystem = "", bootDevice = ""] = (section("boot-filesystem")[0] ?? "").split(" ");
  const survey = parseSurvey(sections, host["privilege"] ?? "none");
  const facts: unknown = {
    hostname: host["hostname"],
    bootId: host["bootId"],
    kernel: host["kernel"],
    architecture: host["architecture"],
    user: host["user"],
    privilege: host["privilege"],
    distro: {
      id: unquote(os["ID"] ?? "unknown"),
      version: unquote(os["VERSION_ID"] ?? ""),
      like: unquote(os["ID_LIKE"] ?? "")
        .split(" ")
        .filter((id) => id !== ""),
      name: unquote(os["PRETTY_NAME"] ?? os["ID"] ?? "unknown"),
    },
    cmdline: (values.get("/proc/cmdline") ?? []).join(" "),
    cpu: cpu(values),
    memoryKiB:
      integer(/^MemTotal:\s*(\d+) kB/m.exec((values.get("/proc/meminfo") ?? []).join("\n"))?.[1]) ?? 0,
    numaNodes: [...values].flatMap(([path, [cpus = ""]]) => {
      const node = integer(/node(\d+)\/cpulist$/.exec(path)?.[1]);
      if (node === undefined) return [];
      const memory = values.get(path.replace(/cpulist$/, "meminfo"))?.[0];
      return [{ node, cpus, memoryKiB: integer(/(\d+) kB/.exec(memory ?? "")?.[1]) ?? 0 }];
    }),
    pci: pciDevices(section, values),
    iommu: {
      units: section("iommu-units").map((path) => path.slice(path.lastIndexOf("/") + 1)),
      groups: new Set(section("iommu-groups").map((path) => path.split("/").at(-3))).size,
    },
    modules: section("modules").map((path) => path.split("/").at(-2) ?? ""),
    moduleParameters,
    vfioModules,
    vfioBuiltin: linesOf(/\/modules\.builtin$/).flatMap(
      (line) => /\/(vfio[^/]*)\.ko$/.exec(line)?.[1]?.replaceAll("-", "_") ?? [],
    ),
    moduleInfo: moduleInfo(section("modinfo")),
    symbols: section("symbols"),
    boot: {
      efi: section("boot").includes("efi"),
      loaderInfo:
        loaderInfo.length > 4 ? loaderInfo.subarray(4).toString("utf16le").replaceAll("\0", "") : null,
      present: section("boot-present"),
      ...(menu.length > 0 && { grubLinux: menu }),
      ...(section("boot-present").some((path) => path.endsWith("/grub-mkconfig")) && {
        grubDropIns: linesOf(/\/grub-mkconfig$/).some((line) => line.includes("/default/grub.d/*")),
      }),
      bootFilesystem,
      bootDevice,
      ...bootRoom(section("boot-free"), bootFilesystem),
    },
    initramfs: { tools: section("initramfs-tools"), images },
    files: Object.fromEntries([...read].filter(([path]) => !SEARCHED.test(path))),
    exists: section("exists"),
    looked: looked(section("looked"), section("stamps")),
    receipts: receipts(values),
    ...parseLease(
      { ...pairs(section("lease")), ...pairs(values.get("/var/lib/vfio-fleet/lease") ?? []) },
      integer(values.get("/proc/uptime")?.[0]),
      host["bootId"],
    ),
    packages: Object.fromEntries(
      section("packages").map((line) => {
        const [name = "", version = "", status] = line.split(" ");
        return [name, status === "installed" ? version : null];
      }),
    ),
    libvirt: { socket: host["libvirt"] === "socket", domains: domains(section, read) },
    carriers: [...section("carriers"), ...section("connection")].flatMap((line) => {
      const at = line.lastIndexOf(" /");
      const address = addressesIn(line.slice(at + 1)).at(-1);
      return address ? [{ address, what: line.slice(0, at) }] : [];
    }),
    ...(survey && { survey }),
  };
  const checked = factsSchema.safeParse(facts);
  if (checked.success) return checked.data;
  throw new ProbeAnswerError(
    "the probe's answer does not fit: " +
      checked.error.issues
        .slice(0, 5)
        .map((issue) => shortened(`${issue.path.join(".")}: ${issue.message}`, 200))
        .join("; "),
  );
};
